"""A grid of quantiles of every column: exact up to a limit, within a stated rank error above it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from renorm.core.errors import FitError
from renorm.core.rank import RankSummary, quantiles_of_sorted, values_of
from renorm.core.state import Array, State

LIMIT = 50_000
_POINTS = 8_192


@dataclass(frozen=True, eq=False, slots=True)
class Quantiles(State):
    """All values up to ``limit`` rows; merged beyond it, summaries of them.

    A state made from one batch keeps every value, so an engine that holds all rows gets exact quantiles. A
    merge that would keep more than ``limit`` rows compresses them to 8192 points of equal weight; summaries of
    one level pair up into the next (merge and reduce), which costs a rank error of at most 1/16384 a level:
    `rank_error` states the bound. Nothing is random. Rows of weight 0 and NaN entries are left out.

    Parameters
    ----------
    rows : array (m, d)
        Values kept as they are.
    weights : array (m,)
    summaries : tuple of arrays (k, d)
        Sorted points of equal weight per column, NaN where a column has no value.
    masses : tuple of arrays (d,)
        Weight of each summary, per column.
    levels : tuple of arrays (1,)
        Level of each summary.
    summary : tuple of arrays
        The fields of a `RankSummary` of all rows: weights, counts and extremes.
    limit : array (1,)
    """

    discloses = "values"

    rows: Array
    weights: Array
    summaries: tuple[Array, ...]
    masses: tuple[Array, ...]
    levels: tuple[Array, ...]
    summary: tuple[Array, ...]
    limit: Array

    @classmethod
    def identity(cls, width: int, *, limit: int = LIMIT) -> Self:
        summary = _fields(RankSummary.identity(width))
        return cls(np.zeros((0, width)), np.zeros(0), (), (), (), summary, np.array([limit]))

    @classmethod
    def of(cls, x: Array, w: Array | None = None, *, limit: int = LIMIT) -> Self:
        x = np.asarray(x, dtype=np.float64)
        weights = np.ones(len(x)) if w is None else np.asarray(w, dtype=np.float64)
        summary = _fields(RankSummary.of(x, w))
        if w is not None and (w <= 0).any():
            x, weights = x[w > 0], weights[w > 0]
        return cls(x, weights, (), (), (), summary, np.array([limit]))

    def merge(self, other: Self) -> Self:
        self._refuse_unlike(other, "rows")
        if self.limit[0] != other.limit[0]:
            raise FitError("Quantiles.merge", expected="the same limit", got="different limits")
        summary = _fields(RankSummary(*self.summary).merge(RankSummary(*other.summary)))
        rows = np.concatenate([self.rows, other.rows])
        weights = np.concatenate([self.weights, other.weights])
        parts = [*self._parts(), *other._parts()]
        if len(rows) > self.limit[0]:
            parts.append((0, *_compress(rows, np.broadcast_to(weights[:, None], rows.shape))))
            rows, weights = rows[:0], weights[:0]
        parts = _pair_up(parts)
        return type(self)(
            rows,
            weights,
            tuple(p for _, p, _ in parts),
            tuple(m for _, _, m in parts),
            tuple(np.array([level]) for level, _, _ in parts),
            summary,
            self.limit,
        )

    def _parts(self) -> list[tuple[int, Array, Array]]:
        return [(int(v[0]), p, m) for v, p, m in zip(self.levels, self.summaries, self.masses, strict=True)]

    @property
    def rank_error(self) -> float:
        """Bound on |rank found - rank asked| over n: 0 while every value is kept."""
        if not self.levels:
            return 0.0
        return (max(int(v[0]) for v in self.levels) + 1) / (2 * _POINTS) + 1.0 / _POINTS

    @property
    def size(self) -> Array:
        """How many rows the quantiles count (d,): see `renorm.core.rank`."""
        return RankSummary(*self.summary).size

    @property
    def count(self) -> Array:
        """Weight of every column (d,)."""
        return self.summary[0]

    def column(self, j: int) -> tuple[Array, Array]:
        """Sorted values of one column and their cumulated weights."""
        values = np.concatenate([self.rows[:, j], *(p[:, j] for p in self.summaries)])
        parts = [np.full(len(p), m[j] / len(p)) for p, m in zip(self.summaries, self.masses, strict=True)]
        weights = np.concatenate([self.weights, *parts])
        real = ~np.isnan(values)
        values, weights = values[real], weights[real]
        order = np.argsort(values, kind="stable")
        return values[order], np.cumsum(weights[order])

    def at(self, p: Array) -> Array:
        """Quantiles at the probabilities ``p`` (k,) of every column: (k, d), NaN where a column is empty."""
        p = np.asarray(p, dtype=np.float64)
        known = RankSummary(*self.summary)
        out = np.empty((len(p), self.rows.shape[1]))
        for j in range(out.shape[1]):
            values, cumulated = self.column(j)
            out[:, j] = quantiles_of_sorted(values, cumulated, float(known.size[j]), p)
        if self.summaries:  # the extremes are known exactly
            low, high = values_of(known.least), values_of(known.greatest)
            out = np.where(p[:, None] <= 0, low, np.where(p[:, None] >= 1, high, np.clip(out, low, high)))
        return out


def _fields(summary: RankSummary) -> tuple[Array, ...]:
    return summary.total, summary.rows, summary.whole, summary.least, summary.greatest


def _compress(rows: Array, weights: Array) -> tuple[Array, Array]:
    """Return 8192 points of equal weight per column, at the middle of equal shares of the weight, and that weight."""
    missing = np.isnan(rows)
    order = np.argsort(rows, axis=0, kind="stable")
    values = np.take_along_axis(rows, order, axis=0)
    cumulated = np.cumsum(np.take_along_axis(np.where(missing, 0.0, weights), order, axis=0), axis=0)
    mass = cumulated[-1]
    points = np.full((_POINTS, rows.shape[1]), np.nan)
    middle = (np.arange(_POINTS) + 0.5) / _POINTS
    for j in range(rows.shape[1]):
        if mass[j] > 0:
            points[:, j] = values[np.searchsorted(cumulated[:, j], middle * mass[j], side="left"), j]
    return points, mass


def _pair_up(parts: list[tuple[int, Array, Array]]) -> list[tuple[int, Array, Array]]:
    """Merge two summaries of a level into one of the next, until every level has one at most."""
    by_level: dict[int, tuple[Array, Array]] = {}
    waiting = sorted(parts, key=lambda part: part[0])
    while waiting:
        level, points, mass = waiting.pop(0)
        if level not in by_level:
            by_level[level] = (points, mass)
            continue
        other, weight = by_level.pop(level)
        shares = [np.broadcast_to(m / _POINTS, points.shape) for m in (weight, mass)]
        waiting.append((level + 1, *_compress(np.concatenate([other, points]), np.concatenate(shares))))
    return [(level, *by_level[level]) for level in sorted(by_level)]
