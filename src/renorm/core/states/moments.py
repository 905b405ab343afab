"""Mean, spread and higher central moments of columns, exact at any offset and scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from renorm.core.affine import two_sum, unit_exponent
from renorm.core.errors import FitError, OptionError
from renorm.core.state import Array, State, entry_weights

_BLOCK = 1 << 16  # entries per block: its temporaries stay in cache


@dataclass(frozen=True, eq=False, slots=True)
class Moments(State):
    """Weight, mean and central moments to ``order`` (2, 3 or 4) of every column.

    The mean is held as the rounded mean of a batch (``origin``) plus a ``shift``, the spread as its root
    (``rms``), both in units of ``2 ** exponent``: so one-row batches at an offset of 1e12 keep all digits, and nothing
    over- or underflows between 1e-308 and 1.7e308. NaN entries are left out, column by column.

    Parameters
    ----------
    count : array (d,)
        Sum of the weights of the entries that are not NaN.
    exponent : array of int (d,)
    origin, shift, rms : array (d,)
    third, fourth : array (d,)
        Mean cubed and fourth-power deviations, NaN below their order.
    """

    count: Array
    exponent: Array
    origin: Array
    shift: Array
    rms: Array
    third: Array
    fourth: Array

    @classmethod
    def identity(cls, width: int, *, order: int = 2) -> Self:
        if order not in (2, 3, 4):
            raise OptionError("Moments(order)", expected="2, 3 or 4", got=repr(order))
        zero, nan = np.zeros(width), np.full(width, np.nan)
        third, fourth = (zero if order > 2 else nan), (zero if order > 3 else nan)
        return cls(zero, np.zeros(width, dtype=np.int64), zero, zero, zero, third, fourth)

    @classmethod
    def of(cls, x: Array, w: Array | None = None, *, order: int = 2) -> Self:
        x = np.asarray(x, dtype=np.float64)
        none = cls.identity(x.shape[1], order=order)
        first = _first_rows(x, w)
        exponent = np.zeros(x.shape[1], dtype=np.int64)
        with np.errstate(over="ignore", invalid="ignore"):
            count, shift, powers = _central(x, w, first, 2)
            rms = np.sqrt(powers[0])
            # over- or underflow of squares, and higher powers: once more in units of the largest deviation
            again = (count > 0) & ~((rms > 1e-140) & (rms < 1e140)) if order == 2 else count > 0
        third, fourth = none.third.copy(), none.fourth.copy()
        if again.any():
            sub = x[:, again]
            exponent[again] = _unit(sub, w, first[again])
            first[again] = np.ldexp(first[again], -exponent[again])
            with np.errstate(over="ignore"):  # of rows that weigh nothing
                _, shift[again], powers = _central(np.ldexp(sub, -exponent[again]), w, first[again], order)
            rms[again] = np.sqrt(powers[0])
            if order > 2:
                third[again] = powers[1]
            if order > 3:
                fourth[again] = powers[2]
        # the origin is the mean, which is no row's value; the shift is what one float cannot hold of it
        return cls(count, exponent, *two_sum(first, shift), rms, third, fourth)

    def merge(self, other: Self) -> Self:
        self._refuse_unlike(other, "count")
        if any(np.isnan(getattr(self, k)[:1]).any() != np.isnan(getattr(other, k)[:1]).any() for k in ("third", "fourth")):
            raise FitError("Moments.merge", expected="moments of the same order", got="different orders")
        n = self.count + other.count
        safe = np.where(n > 0, n, 1.0)
        fa, fb = self.count / safe, other.count / safe
        e = np.where(other.count == 0, self.exponent, np.maximum(self.exponent, other.exponent))
        e = np.where(self.count == 0, other.exponent, e)
        a, b = self._in(e), other._in(e)
        origin = np.where(self.count > 0, a.origin, b.origin)
        both = (self.count > 0) & (other.count > 0)
        delta = np.where(both, (b.origin - a.origin) + (b.shift - a.shift), 0.0)
        shift = np.where(self.count > 0, a.shift + fb * delta, b.shift)
        rms = np.hypot(np.hypot(np.sqrt(fa) * a.rms, np.sqrt(fb) * b.rms), np.sqrt(fa * fb) * np.abs(delta))
        va, vb = a.rms**2, b.rms**2
        ab = fa * fb * delta
        third = fa * a.third + fb * b.third + ab * ((fa - fb) * delta**2 + 3 * (vb - va))
        fourth = (
            fa * a.fourth
            + fb * b.fourth
            + ab * ((fa * fa - fa * fb + fb * fb) * delta**3 + 6 * delta * (fa * vb + fb * va) + 4 * (b.third - a.third))
        )
        return type(self)(n, e, origin, shift, rms, third, fourth)

    def _in(self, exponent: Array) -> Self:
        step = self.exponent - exponent
        if not step.any():
            return self
        low = [np.ldexp(v, step) for v in (self.origin, self.shift, self.rms)]
        high = [np.ldexp(self.third, 3 * step), np.ldexp(self.fourth, 4 * step)]
        return type(self)(self.count, exponent, *low, *high)

    @property
    def mean(self) -> Array:
        """Mean of every column (d,); NaN where the column has no value."""
        return np.where(self.count > 0, np.ldexp(self.origin + self.shift, self.exponent), np.nan)

    @property
    def std(self) -> Array:
        """Standard deviation of every column (d,), divided by n, not n - 1; NaN where there is no value."""
        return np.where(self.count > 0, np.ldexp(self.rms, self.exponent), np.nan)

    @property
    def variance(self) -> Array:
        """Square of `std`; inf or 0 where float64 cannot hold it."""
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(self.std**2)

    @property
    def skewness(self) -> Array:
        """Third standardized moment (d,); NaN where constant or below order 3."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.third / self.rms**3)

    @property
    def kurtosis(self) -> Array:
        """Fourth standardized moment (d,), 3 for a normal; NaN where constant or below order 4."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.fourth / self.rms**4)

    def affine(self) -> tuple[Array, Array, Array, Array]:
        """What standardizes the columns: center, scale, the power of two they are counted in, and a residual (d,).

        The scale is 1 where the spread is rounding noise or there is none: a standard deviation of at most
        half the spacing of the floats at the mean, whatever the number of rows. The exponent is 0 for columns
        between 1e-289 and 1e301 in magnitude. The mean is ``center + residual``: far from 0, one float alone
        would move the standardized column by its rounding. The center is NaN where a column has no value.
        """
        exponent = unit_exponent(np.fmax(np.abs(self.mean), self.std))
        origin, shift, scale = (np.ldexp(v, self.exponent - exponent) for v in (self.origin, self.shift, self.rms))
        center, residual = two_sum(origin, shift)
        residual = np.where(np.abs(residual) > 1e-17 * scale, residual, 0.0)
        noise = 0.5 * np.spacing(np.abs(center))
        center = np.where(self.count > 0, center, np.nan)
        return center, np.where(scale > noise, scale, 1.0), exponent, residual


def _first_rows(x: Array, w: Array | None) -> Array:
    """First entry of every column that counts, 0 where none does."""
    counts = ~np.isnan(x) if w is None else ~np.isnan(x) & (w[:, None] > 0)
    if not len(x):
        return np.zeros(x.shape[1])
    row = np.argmax(counts, axis=0)
    columns = np.arange(x.shape[1])
    return np.where(counts[row, columns], x[row, columns], 0.0)


def _unit(x: Array, w: Array | None, origin: Array) -> Array:
    """Power of two of the largest deviation; far below the origin's last digit where there is none."""
    with np.errstate(over="ignore"):
        deviation = np.abs(x - origin)
    if w is not None:
        deviation = np.where(w[:, None] > 0, deviation, 0.0)
    largest = np.fmax.reduce(deviation, axis=0, initial=0.0)
    above = np.where(np.isinf(largest), 1025, np.frexp(largest)[1])  # values are finite, differences may not be
    floor = np.where(origin == 0, -1074, np.frexp(origin)[1] - 60)
    return np.where(largest > 0, above, floor).astype(np.int64)


def _central(x: Array, w: Array | None, origin: Array, order: int) -> tuple[Array, Array, list[Array]]:
    """Weight, mean deviation from ``origin``, and mean powers 2..order of the deviations from the mean, by blocks."""
    rows = max(1, _BLOCK // max(1, x.shape[1]))
    starts = range(0, max(len(x), 1), rows)
    counts, shifts, moments = [], [], []
    for start in starts:
        block, weights = entry_weights(x[start : start + rows] - origin, None if w is None else w[start : start + rows])
        if weights is None:
            count = np.full(x.shape[1], float(len(block)))
            total = block.sum(axis=0)
        else:
            count = weights.sum(axis=0)
            total = np.einsum("ij,ij->j", weights, block)
        shift = total / np.where(count > 0, count, 1.0)
        block = block - shift
        weighted = block if weights is None else block * weights
        powers, power = [], block
        for k in range(2, order + 1):
            powers.append(np.einsum("ij,ij->j", weighted, power))
            if k < order:
                power = power * block
        counts.append(count)
        shifts.append(shift)
        moments.append(powers)
    n = np.asarray(counts)
    total = n.sum(axis=0)
    share = n / np.where(total > 0, total, 1.0)
    shift = np.einsum("bj,bj->j", share, np.asarray(shifts))
    step = np.asarray(shifts) - shift  # of each block's mean from the mean of all
    sums = np.asarray(moments)  # (blocks, order - 1, d): sums of powers about the block's mean
    per = sums / np.where(n > 0, n, 1.0)[:, None]
    out = [np.einsum("bj,bj->j", share, per[:, 0] + step**2)]
    if order > 2:
        out.append(np.einsum("bj,bj->j", share, per[:, 1] + 3 * per[:, 0] * step + step**3))
    if order > 3:
        out.append(np.einsum("bj,bj->j", share, per[:, 2] + 4 * per[:, 1] * step + 6 * per[:, 0] * step**2 + step**4))
    return total, shift, out
