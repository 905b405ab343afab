"""How often each value occurs in a column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from renorm.core.state import Array, State


@dataclass(frozen=True, eq=False, slots=True)
class Counts(State):
    """Distinct values of every column, sorted, with their weights; grows with the number of distinct values.

    Columns may hold numbers or strings; NaN and None are left out.

    Parameters
    ----------
    values, weights : tuple of arrays, one per column
    """

    discloses = "values"

    values: tuple[Array, ...]
    weights: tuple[Array, ...]

    @classmethod
    def identity(cls, width: int) -> Self:
        return cls(tuple(np.zeros(0) for _ in range(width)), tuple(np.zeros(0) for _ in range(width)))

    @classmethod
    def of(cls, x: Array, w: Array | None = None) -> Self:
        x = np.asarray(x)
        pairs = []
        for j in range(x.shape[1]):
            column = x[:, j]
            real = np.array([v is not None and v == v for v in column], bool) if x.dtype == object else column == column
            if w is not None:
                real = real & (w > 0)
            kept = column[real]
            if x.dtype == object and len(kept):
                kept = kept.astype(str) if any(isinstance(v, str) for v in kept) else kept.astype(np.float64)
            pairs.append(_count(kept, np.ones(len(kept)) if w is None else w[real]))
        return cls(tuple(v for v, _ in pairs), tuple(c for _, c in pairs))

    def merge(self, other: Self) -> Self:
        pairs = []
        for va, wa, vb, wb in zip(self.values, self.weights, other.values, other.weights, strict=True):
            if not len(va) or not len(vb):
                pairs.append((va, wa) if len(va) else (vb, wb))
            else:
                pairs.append(_count(np.concatenate([va, vb]), np.concatenate([wa, wb])))
        return type(self)(tuple(v for v, _ in pairs), tuple(c for _, c in pairs))


def _count(values: Array, weights: Array) -> tuple[Array, Array]:
    distinct, at = np.unique(values, return_inverse=True)
    return distinct, np.bincount(at, weights, minlength=len(distinct)).astype(np.float64)
