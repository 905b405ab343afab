"""Mean vector and covariance of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from renorm.core.affine import two_sum
from renorm.core.state import Array, State


@dataclass(frozen=True, eq=False, slots=True)
class CoMoments(State):
    """Weight, mean and covariance of whole rows; a row with a NaN is left out.

    The mean is held as the rounded mean of a batch plus a shift, as in `Moments`.

    Parameters
    ----------
    count : array (1,)
    origin, shift : array (d,)
    covariance : array (d, d)
        Mean product of deviations (divided by n, not n - 1).
    """

    count: Array
    origin: Array
    shift: Array
    covariance: Array

    @classmethod
    def identity(cls, width: int) -> Self:
        zero = np.zeros(width)
        return cls(np.zeros(1), zero, zero, np.zeros((width, width)))

    @classmethod
    def of(cls, x: Array, w: Array | None = None) -> Self:
        x = np.asarray(x, dtype=np.float64)
        keep = ~np.isnan(x).any(axis=1)
        if w is not None:
            keep &= w > 0
        if not keep.all():
            x, w = x[keep], (None if w is None else w[keep])
        if not len(x):
            return cls.identity(x.shape[1])
        origin = x[0]
        share = np.full(len(x), 1.0 / len(x)) if w is None else w / w.sum()
        deviation = x - origin
        shift = np.einsum("i,ij->j", share, deviation)
        deviation -= shift
        # the one matrix product of the states: d * d sums over n rows are what it is for
        covariance = (deviation * share[:, None]).T @ deviation
        total = float(len(x)) if w is None else float(w.sum())
        # the origin is the mean, which is no row; the shift is what one float cannot hold of it
        return cls(np.array([total]), *two_sum(origin, shift), covariance)

    def merge(self, other: Self) -> Self:
        self._refuse_unlike(other, "origin")
        if not self.count[0]:
            return other
        if not other.count[0]:
            return self
        n = self.count + other.count
        fa, fb = self.count / n, other.count / n
        delta = (other.origin - self.origin) + (other.shift - self.shift)
        covariance = fa * self.covariance + fb * other.covariance + (fa * fb) * np.multiply.outer(delta, delta)
        return type(self)(n, self.origin, self.shift + fb * delta, covariance)

    @property
    def mean(self) -> Array:
        """Mean row (d,)."""
        return self.origin + self.shift
