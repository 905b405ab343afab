"""Smallest and largest value of every column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from renorm.core.state import Array, State, entry_weights


@dataclass(frozen=True, eq=False, slots=True)
class Extrema(State):
    """Weight, least and greatest value of every column; rows of weight 0 and NaN entries are left out.

    ``least`` is inf and ``greatest`` is -inf where a column has no value.
    """

    count: Array
    least: Array
    greatest: Array

    @classmethod
    def identity(cls, width: int) -> Self:
        return cls(np.zeros(width), np.full(width, np.inf), np.full(width, -np.inf))

    @classmethod
    def of(cls, x: Array, w: Array | None = None) -> Self:
        x = np.asarray(x, dtype=np.float64)
        if w is not None:
            x, w = x[w > 0], w[w > 0]
        _, weights = entry_weights(x, w)
        count = np.full(x.shape[1], float(len(x))) if weights is None else weights.sum(axis=0)
        least = np.fmin.reduce(x, axis=0, initial=np.inf)
        return cls(count, least, np.fmax.reduce(x, axis=0, initial=-np.inf))

    def merge(self, other: Self) -> Self:
        self._refuse_unlike(other, "count")
        return type(self)(
            self.count + other.count, np.minimum(self.least, other.least), np.maximum(self.greatest, other.greatest)
        )
