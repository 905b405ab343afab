"""How often each value occurs in a column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from renorm.core.errors import DataError, FitError
from renorm.core.state import Array, State


@dataclass(frozen=True, eq=False, slots=True)
class Counts(State):
    """Distinct values of every column, sorted, with their weights; grows with the number of distinct values.

    A column holds numbers or strings, not both; NaN and None are left out.

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
                text = [isinstance(v, str) for v in kept]
                if any(text) and not all(text):
                    who, got = "Counts.of(x)", f"{kept[text.index(False)]!r} among strings in column {j}"
                    raise DataError(who, expected="numbers or strings", got=got)
                kept = kept.astype(str if any(text) else np.float64)
            pairs.append(_count(kept, np.ones(len(kept)) if w is None else w[real]))
        return cls(tuple(v for v, _ in pairs), tuple(c for _, c in pairs))

    def merge(self, other: Self) -> Self:
        self._refuse_unlike(other)
        if len(self.values) != len(other.values):
            raise FitError("Counts.merge", expected=f"{len(self.values)} columns", got=f"{len(other.values)}")
        pairs = []
        for j, (va, wa, vb, wb) in enumerate(zip(self.values, self.weights, other.values, other.weights, strict=True)):
            if not len(va) or not len(vb):
                pairs.append((va, wa) if len(va) else (vb, wb))
            elif (va.dtype.kind in "US") != (vb.dtype.kind in "US"):
                raise FitError("Counts.merge", expected="numbers or strings", got=f"both in column {j}")
            else:
                pairs.append(_count(np.concatenate([va, vb]), np.concatenate([wa, wb])))
        return type(self)(tuple(v for v, _ in pairs), tuple(c for _, c in pairs))


def _count(values: Array, weights: Array) -> tuple[Array, Array]:
    distinct, at = np.unique(values, return_inverse=True)
    return distinct, np.bincount(at, weights, minlength=len(distinct)).astype(np.float64)
