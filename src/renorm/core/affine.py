"""Shift and scale that neither over- nor underflow on the way."""

from __future__ import annotations

import numpy as np

from renorm.core.state import Array

_FAR = 1000  # binary exponent from which differences may overflow; below -960 a spacing may be denormal
_NEAR = -960


def unit_exponent(magnitude: Array) -> Array:
    """Power of two to count a column in: 0, but for columns beyond 2**1000 or below 2**-960 in magnitude."""
    exponent = np.frexp(magnitude)[1]
    return np.where((magnitude > 0) & ((exponent > _FAR) | (exponent < _NEAR)), exponent, 0).astype(np.int64)


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """The sum of a and b, rounded, and what the rounding left out, exactly (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def standardize(x: Array, center: Array, scale: Array, exponent: Array, residual: Array | None = None) -> Array:
    """(x / 2**exponent - center - residual) / scale, in float64."""
    out = np.subtract(np.ldexp(x, -exponent) if exponent.any() else x, center, dtype=np.float64)
    if residual is not None and residual.any():
        out -= residual
    out /= scale
    return out


def unstandardize(z: Array, center: Array, scale: Array, exponent: Array, residual: Array | None = None) -> Array:
    """Inverse of `standardize`: (z * scale + residual + center) * 2**exponent."""
    out = np.multiply(z, scale, dtype=np.float64)
    if residual is not None and residual.any():
        out += residual
    out += center
    return np.ldexp(out, exponent) if exponent.any() else out


def log_slope(x: Array, scale: Array, exponent: Array) -> Array:
    """Log of the derivative of `standardize` at every entry; NaN at NaN."""
    return np.where(np.isnan(x), np.nan, -np.log(scale) - exponent * np.log(2.0))
