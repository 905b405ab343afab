"""Quantiles as order statistics: exact on every engine, by counting rounds over bisected edges.

Weights are repetitions where every weight is a whole number: ``weights=2`` is every row twice. Other weights
are shares: they are scaled so that they sum to the number of rows with a positive weight. The quantile at p
is at position h = (n - 1) p of the sorted values, interpolated linearly between its two neighbours
(Hyndman and Fan's definition 7, NumPy's and scikit-learn's default).
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np

from renorm.core.errors import FitError
from renorm.core.state import Array, Lift, Query, State

_EDGES = 1024
_SLACK = 1e-9  # of one row: positions are whole numbers, sums of weights are not


@dataclass(frozen=True, eq=False, slots=True)
class RankSummary(State):
    """Weights of every column and the keys of its least and greatest value.

    Parameters
    ----------
    total : array (d,)
        Sum of weights of the entries that are not NaN.
    rows : array (d,)
        How many of them have a positive weight.
    whole : array of bool (d,)
        Whether every weight is a whole number.
    least, greatest : array of int64 (d,)
        Keys (see `keys_of`).
    """

    total: Array
    rows: Array
    whole: Array
    least: Array
    greatest: Array

    @classmethod
    def identity(cls, width: int) -> Self:
        top = np.iinfo(np.int64)
        return cls(np.zeros(width), np.zeros(width), np.ones(width, bool), np.full(width, top.max), np.full(width, top.min))

    @classmethod
    def of(cls, x: Array, w: Array | None = None) -> Self:
        x = np.asarray(x, dtype=np.float64)
        none = cls.identity(x.shape[1])
        real = ~np.isnan(x) if w is None else ~np.isnan(x) & (w[:, None] > 0)
        rows = real.sum(axis=0).astype(np.float64)
        total = rows if w is None else np.where(real, w[:, None], 0.0).sum(axis=0)
        whole = none.whole if w is None else np.full(x.shape[1], bool(np.all(w == np.floor(w))))
        keys = keys_of(x)
        least = np.min(np.where(real, keys, none.least), axis=0, initial=np.iinfo(np.int64).max)
        greatest = np.max(np.where(real, keys, none.greatest), axis=0, initial=np.iinfo(np.int64).min)
        return cls(total, rows, whole, least, greatest)

    def merge(self, other: Self) -> Self:
        self._refuse_unlike(other, "total")
        return type(self)(
            self.total + other.total,
            self.rows + other.rows,
            self.whole & other.whole,
            np.minimum(self.least, other.least),
            np.maximum(self.greatest, other.greatest),
        )

    @property
    def size(self) -> Array:
        """How many rows the quantiles count (d,): repetitions for whole weights, else rows that weigh something."""
        return np.where(self.whole, self.total, self.rows)

    @property
    def unit(self) -> Array:
        """What one of them weighs: 1 for whole weights, else the mean weight."""
        return np.where(self.size > 0, self.total / np.maximum(self.size, 1.0), 1.0)


@dataclass(frozen=True, eq=False, slots=True)
class RankCounts(State):
    """Weight at or below each of given edges, per column.

    Parameters
    ----------
    edges : array of int64 (d, k)
        Keys.
    below : array (d, k)
    """

    edges: Array
    below: Array

    @classmethod
    def identity(cls, width: int, *, edges: Array) -> Self:
        return cls(edges, np.zeros((width, edges.shape[1])))

    @classmethod
    def of(cls, x: Array, w: Array | None = None, *, edges: Array) -> Self:
        x = np.asarray(x, dtype=np.float64)
        out = cls.identity(x.shape[1], edges=edges)
        for j in range(x.shape[1]):
            values, cumulated = sorted_column(x[:, j], w)
            at = np.searchsorted(keys_of(values), edges[j], side="right")
            out.below[j] = np.concatenate([[0.0], cumulated])[at]
        return out

    def merge(self, other: Self) -> Self:
        self._refuse_unlike(other, "edges")
        if not np.array_equal(self.edges, other.edges):
            raise FitError("RankCounts.merge", expected="the same edges", got="different edges")
        return type(self)(self.edges, self.below + other.below)


def keys_of(x: Array) -> Array:
    """Whole numbers in the order of the floats, one for each (0.0 and -0.0 share one)."""
    bits = (np.asarray(x, dtype=np.float64) + 0.0).view(np.int64)
    return np.where(bits < 0, bits ^ np.int64(np.iinfo(np.int64).max), bits)


def values_of(keys: Array) -> Array:
    """Inverse of `keys_of`."""
    return np.where(keys < 0, keys ^ np.int64(np.iinfo(np.int64).max), keys).view(np.float64)


def sorted_column(column: Array, w: Array | None) -> tuple[Array, Array]:
    """Sorted values that are not NaN and weigh something, with their cumulated weights."""
    real = ~np.isnan(column) if w is None else ~np.isnan(column) & (w > 0)
    values = column[real]
    if w is None:
        return np.sort(values), np.arange(1.0, len(values) + 1.0)
    order = np.argsort(values, kind="stable")
    return values[order], np.cumsum(w[real][order])


def positions(size: Array, p: Array) -> tuple[Array, Array, Array]:
    """Positions of the lower and the upper neighbour of each quantile among ``size`` rows, and the way between: (p, d)."""
    last = np.maximum(np.asarray(size) - 1.0, 0.0)
    h = last * np.asarray(p)[:, None]
    near = np.rint(h)
    h = np.where(np.abs(h - near) < _SLACK, near, h)  # 3 * (1 / 3) is 1: a quantile at a value is that value
    low = np.floor(h)
    return low, np.minimum(low + 1.0, last), h - low


def between(low: Array, high: Array, way: Array) -> Array:
    """Linear interpolation that neither overflows nor leaves [low, high]."""
    with np.errstate(over="ignore", invalid="ignore"):
        near = low + (high - low) * way
        far = low * (1.0 - way) + high * way
        out = np.where(np.isfinite(high - low), near, far)
    return np.where((way == 0) | (low == high), low, np.clip(out, low, high))


def quantiles_of_sorted(values: Array, cumulated: Array, size: float, p: Array) -> Array:
    """Quantiles (p,) of one sorted column of ``size`` rows with cumulated weights; NaN where it is empty."""
    if not len(values):
        return np.full(len(p), np.nan)
    low, high, way = (v[:, 0] for v in positions(np.array([size]), p))
    unit = cumulated[-1] / size
    return between(values[_place(cumulated, low, unit)], values[_place(cumulated, high, unit)], way)


def _place(cumulated: Array, at: Array, unit: float) -> Array:
    """Index of the value that holds a position; a little slack, since cumulated weights carry rounding."""
    return np.minimum(np.searchsorted(cumulated, (at + _SLACK) * unit, side="right"), len(cumulated) - 1)


def _whole(x: Array, w: Array | None, *, p: Array) -> Array:
    """All rows at hand: sort, or select where there are no weights and no NaN."""
    x = np.asarray(x, dtype=np.float64)
    out = np.empty((len(p), x.shape[1]))
    summary = RankSummary.of(x, w) if w is not None else None
    for j in range(x.shape[1]):
        if summary is None:
            column = x[:, j]
            missing = np.isnan(column)
            out[:, j] = _selected(column[~missing] if missing.any() else column, p)
        else:
            out[:, j] = quantiles_of_sorted(*sorted_column(x[:, j], w), float(summary.size[j]), p)
    return out


def _selected(column: Array, p: Array) -> Array:
    n = len(column)
    if not n:
        return np.full(len(p), np.nan)
    low, high, way = (v[:, 0] for v in positions(np.array([n]), p))
    at = low.astype(np.int64), high.astype(np.int64)
    parted = np.partition(column, np.unique(np.concatenate(at)))
    return between(parted[at[0]] + 0.0, parted[at[1]] + 0.0, way)


def quantiles(p: tuple[float, ...], lift: Lift | None = None) -> Generator[Any, Any, Array]:
    """Ask for the quantiles at ``p`` of every column: an array (len(p), d), the same bits on every engine.

    With ``lift``, of what this row map makes of the rows, NaN for what is to be left out.

    An engine that holds all rows answers in one round by selection; any other counts weights below edges
    that close in on each order statistic by a factor of 1024 a round, seven rounds at most.
    """
    at = np.asarray(p, dtype=np.float64)
    summary = yield Query(RankSummary, lift=lift, whole=partial(_whole, p=at))
    if not isinstance(summary, RankSummary):
        return np.asarray(summary)
    below, above, way = positions(summary.size, at)
    # (2p, d): the least value with more weight than this at or below it
    targets = (np.concatenate([below, above]) + _SLACK) * summary.unit
    low = np.broadcast_to(summary.least, targets.shape).copy()
    high = np.broadcast_to(summary.greatest, targets.shape).copy()
    empty = summary.rows == 0
    low[:, empty] = high[:, empty] = 0
    while (low < high).any():
        # edges between low and high; spans of int64 need Python's or unsigned arithmetic
        span = (high.astype(np.uint64) - low.astype(np.uint64)).astype(np.uint64)
        step = span // np.uint64(_EDGES) + np.uint64(1)
        offsets = np.minimum(np.arange(_EDGES, dtype=np.uint64) * step[..., None], span[..., None])
        edges = (low.astype(np.uint64)[..., None] + offsets).astype(np.int64)  # (2p, d, k)
        asked = np.sort(np.moveaxis(edges, 0, 1).reshape(edges.shape[1], -1), axis=1)
        counts = yield RankCounts.query(lift=lift, edges=asked)
        for t, j in np.ndindex(*low.shape):
            if low[t, j] < high[t, j]:
                weight = counts.below[j][np.searchsorted(asked[j], edges[t, j])]
                k = int(np.searchsorted(weight, targets[t, j], side="right"))
                before = low[t, j] if k == 0 else edges[t, j, k - 1] + 1
                high[t, j] = high[t, j] if k == len(weight) else edges[t, j, k]
                low[t, j] = min(before, high[t, j])
    found = values_of(low)
    out = between(found[: len(at)], found[len(at) :], way)
    out[:, empty] = np.nan
    return out
