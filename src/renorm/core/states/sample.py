"""A sample of distinct rows that does not depend on how the rows were split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from renorm.core.errors import FitError
from renorm.core.state import Array, State


@dataclass(frozen=True, eq=False, slots=True)
class Sample(State):
    """The ``k`` distinct rows with the smallest hash, each with its full weight.

    The hash is of the row's values and ``seed`` alone, so every split and order of the rows gives the same
    sample, and a kept row's weight is exact: a row among the k smallest of all is among the k smallest of
    every part that has it. NaN counts as a value; rows of weight 0 are left out.

    Parameters
    ----------
    rows : array (m, d), m <= k, by rising hash
    weights : array (m,)
    limit : array (1,)
        ``k``.
    seed : array (1,)
    """

    discloses = "values"

    rows: Array
    weights: Array
    limit: Array
    seed: Array

    @classmethod
    def identity(cls, width: int, *, k: int, seed: int = 0) -> Self:
        return cls(np.zeros((0, width)), np.zeros(0), np.array([k]), np.array([seed]))

    @classmethod
    def of(cls, x: Array, w: Array | None = None, *, k: int, seed: int = 0) -> Self:
        x = np.asarray(x, dtype=np.float64)
        weights = np.ones(len(x)) if w is None else np.asarray(w, dtype=np.float64)
        return cls(*_smallest(x[weights > 0], weights[weights > 0], k, seed), np.array([k]), np.array([seed]))

    def merge(self, other: Self) -> Self:
        self._refuse_unlike(other, "rows")
        if self.limit[0] != other.limit[0] or self.seed[0] != other.seed[0]:
            raise FitError("Sample.merge", expected="the same k and seed", got="different ones")
        rows = np.concatenate([self.rows, other.rows])
        weights = np.concatenate([self.weights, other.weights])
        kept = _smallest(rows, weights, int(self.limit[0]), int(self.seed[0]))
        return type(self)(*kept, self.limit, self.seed)


def _smallest(rows: Array, weights: Array, k: int, seed: int) -> tuple[Array, Array]:
    rows = np.where(np.isnan(rows), np.nan, rows) + 0.0  # one NaN, no negative zero
    bits = np.ascontiguousarray(rows).view(np.uint64)
    mixed = np.full(len(rows), (seed + 0x9E3779B97F4A7C15) % 2**64, dtype=np.uint64)
    for j in range(bits.shape[1]):  # splitmix64, column after column
        mixed = (mixed ^ bits[:, j]) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed = mixed ^ (mixed >> np.uint64(31))
    order = np.lexsort([*bits.T[::-1], mixed])
    rows, bits, weights = rows[order], bits[order], weights[order]
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (bits[1:] != bits[:-1]).any(axis=1)
    group = np.cumsum(new) - 1
    return rows[new][:k], np.bincount(group, weights, minlength=0)[:k].astype(np.float64)
