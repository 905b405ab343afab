"""Weights of the values between given edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from renorm.core.errors import FitError
from renorm.core.state import Array, State


@dataclass(frozen=True, eq=False, slots=True)
class Histogram(State):
    """Weight in each bin of every column: bin i holds ``edges[i - 1] < x <= edges[i]``.

    Parameters
    ----------
    edges : array (d, k)
        Rising, per column. Bin 0 is below the first edge, bin k above the last.
    counts : array (d, k + 1)
    """

    edges: Array
    counts: Array

    @classmethod
    def identity(cls, width: int, *, edges: Array) -> Self:
        edges = np.asarray(edges)
        if edges.ndim != 2 or len(edges) != width:
            raise FitError("Histogram(edges)", expected=f"edges of shape ({width}, k)", got=f"shape {edges.shape}")
        return cls(edges, np.zeros((width, edges.shape[1] + 1)))

    @classmethod
    def of(cls, x: Array, w: Array | None = None, *, edges: Array) -> Self:
        x = np.asarray(x)
        out = cls.identity(x.shape[1], edges=edges)
        for j in range(x.shape[1]):
            column = x[:, j]
            real = column == column  # NaN is in no bin
            at = np.searchsorted(out.edges[j], column[real], side="left")
            out.counts[j] = np.bincount(at, None if w is None else w[real], minlength=out.counts.shape[1])
        return out

    def merge(self, other: Self) -> Self:
        self._refuse_unlike(other, "counts")
        if not np.array_equal(self.edges, other.edges):
            raise FitError("Histogram.merge", expected="the same edges", got="different edges")
        return type(self)(self.edges, self.counts + other.counts)
