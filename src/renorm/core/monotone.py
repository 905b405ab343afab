"""Piecewise linear maps between a rising grid of values and a rising grid of ranks."""

from __future__ import annotations

import numpy as np

from renorm.core.rank import between
from renorm.core.state import Array


def way(x: Array, low: Array, high: Array) -> Array:
    """How far x is on the way from low to high, in [0, 1]; halves keep the differences finite."""
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.clip((0.5 * x - 0.5 * low) / (0.5 * high - 0.5 * low), 0.0, 1.0)
    return np.where(np.isneginf(low), 1.0, part)


def rank_at(x: Array, grid: Array, references: Array) -> Array:
    """Ranks of values: linear between grid points, the middle of the ranks for ties, 0 and 1 at the ends and beyond.

    Parameters
    ----------
    x : array (n,)
    grid, references : array (k,)
        Rising values, NaN where there are none, and their ranks.

    Examples
    --------
    >>> import numpy as np
    >>> rank_at(np.array([1.5, 2.0, 9.0]), np.array([1.0, 2.0, 2.0, 3.0]), np.array([0.0, 0.4, 0.6, 1.0]))
    array([0.2, 0.5, 1. ])
    """
    last = len(grid) - 1
    left = np.searchsorted(grid, x, side="left")
    right = np.searchsorted(grid, x, side="right")
    tied = 0.5 * (references[np.minimum(left, last)] + references[np.maximum(right - 1, 0)])
    below, above = np.maximum(left - 1, 0), np.minimum(left, last)
    inside = between(references[below], references[above], way(x, grid[below], grid[above]))
    out = np.where(right > left, tied, inside)
    out = np.where(x >= grid[last], 1.0, out)
    out = np.where(x <= grid[0], 0.0, out)
    return np.where(np.isnan(x) | np.isnan(grid[0]), np.nan, out)


def value_at(ranks: Array, grid: Array, references: Array) -> Array:
    """Values at ranks: the inverse of `rank_at`, to one of the values of a rank that several share."""
    last = len(grid) - 1
    below = np.clip(np.searchsorted(references, ranks, side="right") - 1, 0, max(last - 1, 0))
    above = np.minimum(below + 1, last)
    out = between(grid[below], grid[above], np.nan_to_num(way(ranks, references[below], references[above])))
    return np.where(np.isnan(ranks), np.nan, out)


def log_slope(x: Array, grid: Array, references: Array) -> Array:
    """Log of the slope of the piece at, or to the right of, each value; -inf outside the grid."""
    last = len(grid) - 1
    below = np.clip(np.searchsorted(grid, x, side="right") - 1, 0, max(last - 1, 0))
    above = np.minimum(below + 1, last)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        slope = np.log(references[above] - references[below]) - np.log(grid[above] - grid[below])
    return np.where((x < grid[0]) | (x > grid[last]), -np.inf, slope)
