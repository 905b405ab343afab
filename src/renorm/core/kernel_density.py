"""Kernel density estimates of one column: sums in O(n p), distribution functions, and a fast look-up of the result.

A column comes as sorted ``values`` with ``weights``, on any scale that keeps ``points - values`` finite.
"""

from __future__ import annotations

from collections.abc import Callable
from math import comb, factorial, pi, sqrt

import numpy as np
from scipy.special import ndtr

from renorm.core.affine import unit_exponent
from renorm.core.state import Array
from renorm.core.states import Moments

_FAR = 800.0  # bandwidths from which exp(-u) is 0
_CELLS = 8  # cells a bandwidth of the Gaussian sums
_TERMS = 9  # of their Taylor series: |u - centre| <= 1/16 leaves (1/16)**10 / 10! of the next, 1e-16 of the sum
_REACH = 9.0  # bandwidths from which the normal distribution function is 0 or 1
_ROOT = 1 << 14  # slots of the first level of a look-up
_SLOTS = 1 << 17  # slots of a further level, at most
_LEVELS = 4
_FEW = 1 << 12  # values for which no tables are made
_BLOCK = 1 << 14  # entries looked up at a time: the temporaries stay in cache


def polyexp_coefficients(order: int) -> tuple[Array, Array]:
    """Coefficients of the kernel exp(-|u|) sum b_k |u|^k, b_k ~ 1/k!, and of its upper tail exp(-u) sum c_k u^k.

    Examples
    --------
    >>> [c.tolist() for c in polyexp_coefficients(1)]
    [[0.25, 0.25], [0.5, 0.25]]
    """
    kernel = np.array([1 / factorial(k) for k in range(order + 1)]) / (2 * (order + 1))
    tail = [sum(kernel[k] * factorial(k) for k in range(j, order + 1)) / factorial(j) for j in range(order + 1)]
    return kernel, np.array(tail)


def polyexp_bandwidth_ratio(order: int) -> float:
    """Bandwidth of a polyexp kernel over that of the Gaussian of the same asymptotic error: (R / V^2 * 2 sqrt(pi))^(1/5).

    R is the integral of the squared kernel, V its variance.
    """
    b, _ = polyexp_coefficients(order)
    orders = range(order + 1)
    roughness = sum(b[j] * b[k] * factorial(j + k) / 2 ** (j + k) for j in orders for k in orders)
    variance = 2 * sum(b[k] * factorial(k + 2) for k in orders)
    return float((roughness / variance**2 * 2 * sqrt(pi)) ** 0.2)


def _decayed(points: Array, values: Array, weights: Array, h: float, order: int, side: str) -> Array:
    """Sums of w u^k exp(-u), u = (point - value) / h, over the values at or below each point: (order + 1, m).

    Every value is counted at the first point above it; then sums of 1, 2, 4 .. neighbouring points are moved
    on by the binomial theorem. All terms are positive: nothing cancels.
    """
    at = np.searchsorted(points, values, side=side)  # type: ignore[call-overload]
    below = at < len(points)
    at, values = at[below], values[below]
    u = np.minimum((points[at] - values) / h, _FAR)
    term = weights[below] * np.exp(-u)
    sums = np.empty((order + 1, len(points)))
    for k in range(order + 1):
        sums[k] = np.bincount(at, term, minlength=len(points))
        term = term * u
    step = 1
    while step < len(points):
        u = np.minimum((points[step:] - points[:-step]) / h, _FAR)
        before = sums[:, :-step] * np.exp(-u)
        powers = u ** np.arange(order + 1)[:, None]
        for k in range(order, -1, -1):
            sums[k, step:] += sum(comb(k, i) * powers[k - i] * before[i] for i in range(k + 1))
        step *= 2
    return sums


def polyexp_sums(points: Array, values: Array, weights: Array, h: float, order: int) -> tuple[Array, Array]:
    """Density and distribution function at sorted points, by the polyexp kernel, in O(n + m log m).

    Parameters
    ----------
    points : array (m,)
        Rising.
    values, weights : array (n,)
        Rising values.
    h : float
        Bandwidth.
    order : int
        Of the kernel.

    Returns
    -------
    density, distribution : array (m,)

    Examples
    --------
    >>> import numpy as np
    >>> polyexp_sums(np.array([0.0, 1.0]), np.zeros(1), np.ones(1), 1.0, 0)  # half of exp(-|u|)
    (array([0.5       , 0.18393972]), array([0.5       , 0.81606028]))
    """
    kernel, tail = polyexp_coefficients(order)
    left = _decayed(points, values, weights, h, order, "left")
    right = _decayed(-points[::-1], -values[::-1], weights[::-1], h, order, "right")[:, ::-1]
    mass = np.concatenate([[0.0], np.cumsum(weights)])
    below = mass[np.searchsorted(values, points, side="right")]
    return kernel @ (left + right) / (mass[-1] * h), (below + tail @ (right - left)) / mass[-1]


def gaussian_sums(points: Array, values: Array, weights: Array, h: float) -> tuple[Array, Array]:
    """Density and distribution function at points, by the Gaussian kernel, to rounding in O(n + 145 m).

    Values of an eighth of a bandwidth share a Taylor series about their middle.

    Parameters
    ----------
    points : array (m,)
    values, weights : array (n,)
        Rising values.
    h : float
        Bandwidth.

    Returns
    -------
    density, distribution : array (m,)

    Examples
    --------
    >>> import numpy as np
    >>> gaussian_sums(np.array([0.0, 1.0]), np.zeros(1), np.ones(1), 1.0)
    (array([0.39894228, 0.24197072]), array([0.5       , 0.84134475]))
    """
    cell = np.floor((values - values[0]) * (_CELLS / h))
    first = np.flatnonzero(np.concatenate([[True], cell[1:] != cell[:-1]]))
    last = np.append(first[1:], len(values)) - 1
    middle = values[first] + (values[last] - values[first]) / 2
    u = (values - np.repeat(middle, last - first + 1)) / h
    term, moments = weights, np.empty((_TERMS + 1, len(first)))
    for k in range(_TERMS + 1):
        moments[k] = np.add.reduceat(term, first)
        term = term * u / (k + 1)
    mass = np.concatenate([[0.0], np.cumsum(moments[0])])
    start = np.searchsorted(middle, points - _REACH * h, side="left")
    stop = np.searchsorted(middle, points + _REACH * h, side="right")
    density, distribution = np.zeros(len(points)), mass[start]
    for k in range(int(np.max(stop - start, initial=0))):
        live = np.flatnonzero(start + k < stop)
        near = start[live] + k
        u = (points[live] - middle[near]) / h
        m = moments[:, near]
        hermite, previous = np.ones_like(u), np.zeros_like(u)
        pdf, cdf = m[0].copy(), np.zeros_like(u)
        for i in range(1, _TERMS + 1):
            cdf -= m[i] * hermite
            hermite, previous = u * hermite - (i - 1) * previous, hermite
            pdf += m[i] * hermite
        bell = np.exp(-0.5 * u**2) / sqrt(2 * pi)
        density[live] += bell * pdf
        distribution[live] += m[0] * ndtr(u) + bell * cdf
    return density / (mass[-1] * h), distribution / mass[-1]


def density_sums(points: Array, values: Array, weights: Array, h: float, order: int | None) -> tuple[Array, Array]:
    """`gaussian_sums` where there is no order, else `polyexp_sums`; points rise."""
    if order is None:
        return gaussian_sums(points, values, weights, h)
    return polyexp_sums(points, values, weights, h, order)


def over_range(x: Array, low: float, high: float) -> Array:
    """Where x lies on the way from low to high: 0 and 1 at the ends, with all digits of ``x - low``.

    ``x - low`` where low is high.
    """
    exponent = int(unit_exponent(np.array(max(abs(low), abs(high)))))
    start, stop = np.ldexp([low, high], -exponent)
    z: Array = np.subtract(np.ldexp(x, -exponent) if exponent else x, start, dtype=np.float64)
    z /= stop - start if stop != start else 1.0
    return z


def spread_over_range(moments: Moments, least: Array, greatest: Array) -> Array:
    """Standard deviation of every column over its range (d,); NaN where it has none."""
    exponent = unit_exponent(np.maximum(np.abs(least), np.abs(greatest)))
    width = np.ldexp(greatest, -exponent) - np.ldexp(least, -exponent)
    return np.asarray(np.ldexp(moments.rms, moments.exponent - exponent) / np.where(width > 0, width, np.nan))


def share_below(points: Array, density: Array, distribution: Array, longest: float) -> Array:
    """Share of the mass between the first and the last point that lies below each point: 0 to 1.

    Steps up to ``longest`` count by the trapezoid rule, longer ones by the difference of the distribution
    function.

    Examples
    --------
    >>> import numpy as np
    >>> share_below(np.array([0.0, 1.0, 3.0]), np.ones(3), np.array([0.0, 0.2, 0.5]), 1.0)
    array([0.        , 0.76923077, 1.        ])
    """
    step = np.diff(points)
    mass = np.where(step <= longest, 0.5 * (density[1:] + density[:-1]) * step, np.diff(distribution))
    total = np.concatenate([[0.0], np.cumsum(np.maximum(mass, 0.0))])
    return np.asarray(total / total[-1])


def valleys(points: Array, density: Array) -> Array:
    """Points where a density turns from falling to rising, the middle one of a flat stretch.

    Examples
    --------
    >>> import numpy as np
    >>> valleys(np.arange(7.0), np.array([0.0, 2.0, 1.0, 1.0, 1.0, 3.0, 0.0]))
    array([3.])
    """
    turn = np.sign(np.diff(density))
    moving = np.flatnonzero(turn)
    before, after = moving[:-1], moving[1:]
    found = (turn[before] < 0) & (turn[after] > 0)
    return np.asarray(points[(before[found] + 1 + after[found]) // 2])


def look_up(
    x: Array, grid: Array, references: Array, *, place: Callable[[Array], Array] | None = None, out: Array | None = None
) -> Array:
    """Return what `renorm.core.monotone.rank_at` returns, to rounding, several times faster for many values.

    The grid is cut into pieces on which the map is linear. A table over equal slots says which piece a value
    is on; a slot with many pieces has a table of its own.

    Parameters
    ----------
    x : array (n,)
    grid, references : array (k,)
        Rising finite values, or one NaN, and their ranks from 0 to 1.
    place : callable, optional
        Maps values to where they lie on the grid; it gets a block of them at a time.
    out : array (n,), optional
        Where to write.

    Examples
    --------
    >>> import numpy as np
    >>> look_up(np.array([1.5, 2.0, 9.0, np.nan]), np.array([1.0, 2.0, 2.0, 3.0]), np.array([0.0, 0.4, 0.6, 1.0]))
    array([0.2, 0.5, 1. , nan])
    """
    low, high = float(grid[0]), float(grid[-1])
    exponent = int(unit_exponent(np.array(max(abs(low), abs(high)))))
    start, origin, slope, rank = _pieces(np.ldexp(grid, -exponent), references)
    find = _Finder(start, tables=len(x) > _FEW)
    out = np.empty(len(x)) if out is None else out
    for at in range(0, len(x), _BLOCK):
        block = x[at : at + _BLOCK] if place is None else place(x[at : at + _BLOCK])
        if not low < high:  # one value, or none
            out[at : at + _BLOCK] = np.where(np.isnan(block) | np.isnan(low), np.nan, block > low)
            continue
        block = np.clip(block, low, high, dtype=np.float64)
        if exponent:
            block = np.ldexp(block, -exponent)
        piece = find(np.fmax(block, start[0]))  # NaN is looked up anywhere and stays NaN
        block -= origin.take(piece)
        block *= slope.take(piece)
        block += rank.take(piece)
        out[at : at + _BLOCK] = block
    return out


def _pieces(grid: Array, references: Array) -> tuple[Array, Array, Array, Array]:
    """Return start, origin, slope and rank of each piece: the rank is ``rank + (x - origin) * slope`` from its start on.

    Tied grid points have a piece of one value, with the middle of their ranks.
    """
    value, first = np.unique(grid, return_index=True)
    last = np.append(first[1:], len(grid)) - 1
    left, right = references[first], references[last]
    middle = 0.5 * (left + right)
    middle[0], middle[-1] = 0.0, 1.0
    after = np.nextafter(value, np.inf)
    with np.errstate(divide="ignore", over="ignore"):
        slope = np.minimum((left[1:] - right[:-1]) / (value[1:] - value[:-1]), np.finfo(np.float64).max)
    end = np.nextafter(value[1:], -np.inf) - value[:-1]
    while (over := end * slope + right[:-1] > left[1:]).any():  # rounding must not pass the next piece
        slope[over] = np.nextafter(slope[over], 0.0)
    # a piece of one value where it is not the start of the next, then the piece up to the next value
    alone = np.append(middle[:-1] != right[:-1], True)
    between = np.append(after[:-1] < value[1:], False) | ~alone
    starts = np.stack([value, np.where(alone, after, value)], axis=1)
    slopes = np.stack([np.zeros(len(value)), np.append(slope, 0.0)], axis=1)
    ranks = np.stack([middle, np.append(right[:-1], 1.0)], axis=1)
    kept = np.stack([alone, between], axis=1)
    return starts[kept], np.stack([value, value], axis=1)[kept], slopes[kept], ranks[kept]


class _Finder:
    """Index of the last of some rising knots at or below each value between the first and the last of them.

    The slots of the first table are equally long, or equally many an octave of the distance from the first
    knot, whichever parts the knots better.
    """

    def __init__(self, knots: Array, *, tables: bool) -> None:
        self.knots = knots
        self.tables = tables and len(knots) > 2
        if not self.tables:
            return
        self.above = np.append(knots[1:], np.inf)
        gap = knots[1:] - knots[0]
        self.scale = min(_ROOT / float(gap[-1]), 1e300)
        bits = gap[[0, -1]].view(np.int64)
        self.shift = max(int(bits[1] - bits[0]).bit_length() - _ROOT.bit_length(), 0)
        self.base = int(bits[0] >> self.shift)
        crowds = []
        for self.octaves in (True, False):
            crowds.append(np.sum(np.bincount(self._root(knots)) ** 2))
        self.octaves = bool(crowds[0] < crowds[1])
        node = self._root(knots)
        slots = int(node[-1]) + 1
        self.levels: list[tuple[Array, Array, Array, float]] = []
        while True:
            count = np.bincount(node, minlength=slots)
            until = np.cumsum(count)
            self.crowded = count > 2
            if len(self.levels) == _LEVELS or not self.crowded.any():
                break
            size = float(max(16, min(16 * int(count.max()), _SLOTS // int(self.crowded.sum()))))
            lowest = knots[np.minimum(until - count, len(knots) - 1)]
            with np.errstate(divide="ignore", over="ignore"):
                width = knots[until - 1] - lowest
                scale = np.where(self.crowded, np.minimum(size / width, 1e300), 0.0)
            wide = np.where(self.crowded, int(size) + 1, 1)
            offset = np.cumsum(wide) - wide
            self.levels.append((lowest, scale, offset, size))
            node, slots = self._slot(knots, node, self.levels[-1]), int(wide.sum())
        self.before = np.maximum(until - count - 1, 0)
        self.steps = int(np.max(count[~self.crowded]))

    def _root(self, x: Array) -> Array:
        gap = x - self.knots[0]
        if self.octaves:
            return np.asarray(np.maximum((gap.view(np.int64) >> self.shift) - self.base, 0))
        gap *= self.scale
        return np.asarray(gap.astype(np.int64))

    @staticmethod
    def _slot(x: Array, node: Array, level: tuple[Array, Array, Array, float]) -> Array:
        lowest, scale, offset, size = level
        key = x - lowest.take(node)
        key *= scale.take(node)
        np.clip(key, 0.0, size, out=key)
        return np.asarray(offset.take(node) + key.astype(np.int64))

    def __call__(self, x: Array) -> Array:
        if not self.tables:
            return np.asarray(np.searchsorted(self.knots, x, side="right") - 1)
        node = self._root(x)
        for level in self.levels:
            node = self._slot(x, node, level)
        found: Array = self.before.take(node)
        for _ in range(self.steps):
            found += x >= self.above.take(found)
        if self.crowded.any():
            slow = self.crowded.take(node)
            found[slow] = np.searchsorted(self.knots, x[slow], side="right") - 1
        return found
