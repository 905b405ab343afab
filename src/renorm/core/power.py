r"""The Yeo-Johnson and Box-Cox likelihoods in coordinates where nothing over- or underflows.

The map is :math:`\psi(x) = ((1+x)^\lambda - 1)/\lambda` for :math:`x \ge 0` and
:math:`\psi(x) = -((1-x)^{2-\lambda} - 1)/(2-\lambda)` below. Only its shape matters once the result is
standardized, so a column of one sign is *anchored*: with :math:`d = \log\frac{1+x}{1+a}/r`, r the range of
:math:`\log(1+x)` and a its end where the exponent is largest, :math:`y = \mathrm{expm1}(\sigma d)/\sigma` with
:math:`\sigma = \lambda r` is :math:`\psi` up to a shift and a positive scale, and lies in [-1, 1] times r for any
:math:`\lambda`. Columns below 0 are mirrored. Columns with both signs are not anchored; their exponents are
bounded below. Box and Cox's map is the same with :math:`x` for :math:`1 + x`. The unknown is the *tilt*
:math:`t = (\lambda - 1) r`, whose score is decreasing.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from scipy.special import boxcox, boxcox1p, inv_boxcox1p

from renorm.core.engine import Memory
from renorm.core.errors import FitError
from renorm.core.fit import drive
from renorm.core.state import Array, Query, State
from renorm.core.states.extrema import Extrema

TILT = 20.0  # exponents that bend the map are within this: the inverse keeps 1e-7 of the spread
_LARGEST = 1e300  # of |lambda|
_HIGH = 300.0  # squares of exp(300) are still finite
_SMALL = 1e-4
_STEEP = 0.5  # where exp(sigma a) - 1 is of order 1, exp is as good as expm1 and several times faster
_ROOT = 1e-12  # width of the bracket of a tilt, relative to 1 + |tilt|; the score's own rounding moves it by as much
_ZERO = 1e-15  # a score of this size is 0: it is a difference of numbers of order 1
_BLOCK = 1 << 15
_SAMPLE = 8192  # rows that a first guess is made from


@dataclass(frozen=True, eq=False)
class PowerGeometry:
    """Where columns lie: least and greatest value of each (d,).

    ``origin`` is 1 for the Yeo-Johnson map and 0 for Box and Cox's (x^lambda - 1) / lambda, defined above 0 only.
    """

    least: Array
    greatest: Array
    origin: float = 1.0

    def _log(self, x: Array) -> Array:
        return np.asarray(np.log1p(x) if self.origin else np.log(x))

    @property
    def constant(self) -> Array:
        """No spread but rounding (or no value)."""
        with np.errstate(over="ignore", invalid="ignore"):
            largest = np.maximum(np.abs(self.least), np.abs(self.greatest))
            wide = self.greatest - self.least > np.spacing(np.minimum(largest, 1.7e308))
        return ~wide

    @property
    def sign(self) -> Array:
        """1 where no value is below 0, -1 where none is above, 0 where there are both."""
        return np.where(self.least >= 0, 1.0, np.where(self.greatest <= 0, -1.0, 0.0))

    @property
    def ends(self) -> tuple[Array, Array]:
        """Nearest and farthest value from 0 of columns of one sign, as positive numbers."""
        size = np.abs(self.least), np.abs(self.greatest)
        return np.minimum(*size), np.maximum(*size)

    @property
    def reach(self) -> tuple[Array, Array]:
        """log1p of the farthest value above and below 0."""
        return np.log1p(np.maximum(self.greatest, 0.0)), np.log1p(np.maximum(-self.least, 0.0))

    @property
    def range(self) -> Array:
        """The unit r of the lifted values: range of log1p, or the farther reach for columns with both signs."""
        near, far = self.ends
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            # one sign: log((1 + far) / (1 + near)), by whichever form keeps the digits
            close = np.log1p((far - near) / (self.origin + near))
            one = np.where(far > 2 * near, self._log(far) - self._log(near), close)
        return np.where(self.constant, 1.0, np.where(self.sign == 0, np.maximum(*self.reach), one))

    def bounds(self) -> tuple[Array, Array]:
        """Least and greatest tilt: the map and its inverse stay accurate to 1e-7 of the column's spread."""
        r, (up, down) = self.range, self.reach
        with np.errstate(divide="ignore", over="ignore"):
            low = np.maximum(-TILT * r / np.where(up > 0, up, np.inf) - r, np.where(down > 0, -TILT * r / down, -np.inf))
            high = np.minimum(np.where(up > 0, TILT * r / up, np.inf), r + np.where(down > 0, TILT * r / down, np.inf))
        one = self.sign != 0
        limit = r * _LARGEST
        low, high = np.where(one, -TILT - r, low), np.where(one, TILT, high)
        return np.clip(low, -limit, limit), np.clip(high, -limit, limit)

    def lift(self, x: Array) -> Array:
        """Rows in lifted coordinates: in [-1, 0] for columns of one sign, in [-1, 1] for both; NaN stays NaN."""
        both = self.sign == 0
        out = self.anchored(x, np.where(both, 0.0, self.ends[1]))
        return np.where(both, np.copysign(out, x), out) if both.any() else out

    def anchored(self, x: Array, anchor: Array) -> Array:
        """log((1 + |x|) / (1 + anchor)) / range, by whichever form keeps the digits."""
        x = np.abs(x, order="F")  # columns in one piece: what belongs to a column is then one number to a long loop
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            out = self._log(x) - self._log(anchor)
            close = (0.5 * x < anchor) & (0.5 * anchor < x)
            if close.any():
                step = ((x - anchor) / (self.origin + anchor))[close]
                out[close] = np.log1p(step)
            return np.asarray(out / self.range)

    def lambdas(self, tilt: Array) -> Array:
        """The exponent lambda of every column."""
        turned = np.where(self.sign < 0, -tilt, tilt)
        return np.where(self.constant, 1.0, 1.0 + turned / self.range)

    def _anchor(self, tilt: Array) -> tuple[Array, Array]:
        """Where the exponent is largest, and log(1 + it); 0 for columns with both signs."""
        near, far = self.ends
        anchor = np.where(self.sign == 0, 0.0, np.where(self.range + tilt >= 0, far, near))
        with np.errstate(divide="ignore"):
            return anchor, self._log(anchor)

    def _spare(self, tilt: Array) -> Array:
        """By how much the largest exponent of columns with both signs is above 300."""
        (up, down), r = self.reach, self.range
        top = np.maximum((r + tilt) * up / r, (r - tilt) * down / r)
        return np.where(self.sign == 0, np.maximum(top - _HIGH, 0.0), 0.0)

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def power(self, x: Array, tilt: Array) -> Array:
        """The map at any value, in the units of `curve`: a shift and a positive scale away from psi."""
        r, one, turn = self.range, self.sign != 0, np.where(self.sign < 0, -1.0, 1.0)
        anchor, log_anchor = self._anchor(tilt)
        spare, lam = self._spare(tilt), 1.0 + tilt / r
        turned = turn * x
        above = self.anchored(x, anchor)
        y = _power(above, r + tilt, spare)
        under = turned < 0
        if under.any():
            below = -_power(above, r - tilt, spare)
            beyond = boxcox1p(np.maximum(-turned, 0.0), 2 - lam) * np.exp(-lam * log_anchor)
            across = (-boxcox1p(anchor, -lam) - beyond) / r if self.origin else np.full_like(y, np.nan)
            y = np.where(under, np.where(one, across, below), y)
        y *= turn
        return np.where(self.constant, x - self.least, y) if self.constant.any() else y

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def inverse(self, y: Array, tilt: Array) -> Array:
        """Inverse of `power`; not finite where no value has that image."""
        r, one, turn = self.range, self.sign != 0, np.where(self.sign < 0, -1.0, 1.0)
        anchor, log_anchor = self._anchor(tilt)
        spare, lam = self._spare(tilt), 1.0 + tilt / r
        turned = turn * y
        x = anchor + (self.origin + anchor) * np.expm1(r * _unpower(turned, r + tilt, spare))
        psi = turned * r * np.exp(lam * log_anchor) + boxcox1p(anchor, lam)
        across = -inv_boxcox1p(-psi, 2 - lam) if self.origin else np.full_like(x, np.nan)
        x = np.where((x < 0) | (np.isnan(x) & (r + tilt >= 0)), across, x)
        below = -np.expm1(r * _unpower(-y, r - tilt, spare))
        x = np.where(one, turn * x, np.where(y >= 0, x, below))
        return np.where(self.constant, y + self.least, x)

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def log_slope(self, x: Array, tilt: Array) -> Array:
        """Log of the derivative of `power`."""
        r, one, turn = self.range, self.sign != 0, np.where(self.sign < 0, -1.0, 1.0)
        anchor, log_anchor = self._anchor(tilt)
        lam = 1.0 + tilt / r
        size = self._log(np.abs(x))
        inside = np.where(turn * x >= 0, tilt * self.anchored(x, anchor) - log_anchor, (1 - lam) * size - lam * log_anchor)
        both = tilt * np.copysign(size, x) / r - self._spare(tilt)
        slope = np.where(one, inside, both) - np.log(r)
        return np.where(self.constant, 0.0, slope) + 0.0 * x

    def turned(self, d: Array, sigma: Array) -> Array:
        """Lifted values counted from the end where the exponent is largest, 0 at NaN."""
        a = np.asarray(d + np.where(sigma >= 0, 0.0, 1.0))
        missing = np.isnan(a)
        if missing.any():
            np.copyto(a, 0.0, where=missing)
        return a

    def curve(self, d: Array, tilt: Array) -> tuple[Array, Array, Array]:
        """Return ``(a, y, y')``: anchored lifted values, the map and its derivative by the tilt, each (n, d).

        All three are 0 at NaN. Columns with both signs are divided by exp(M - 300) where the largest exponent M
        is above 300.
        """
        both, r = self.sign == 0, self.range
        sigma, spare = r + tilt, self._spare(tilt)
        a = self.turned(d, np.where(both, 0.0, sigma))
        if not both.any():
            return a, *_bent(a, sigma, spare)
        y, slope = _bent(np.where(both, np.maximum(a, 0.0), a), sigma, spare)
        lower, lower_slope = _bent(np.maximum(-a[:, both], 0.0), (r - tilt)[both], spare[both])
        y[:, both] -= lower
        slope[:, both] += lower_slope
        return a, y, slope


def _unpower(y: Array, sigma: Array, spare: Array) -> Array:
    """Inverse of the map of `_power`."""
    flat = np.abs(sigma) < _SMALL
    s = np.where(flat, 1.0, sigma)
    direct = np.where(spare > 0, np.log(np.exp(-spare) + s * y) + spare, np.log1p(s * y)) / s
    return np.where(flat, y * (1 - sigma * y * (0.5 - sigma * y / 3)), direct)


def _power(a: Array, sigma: Array, spare: Array) -> Array:
    """expm1(sigma a) / sigma, times exp(-spare)."""
    flat = np.abs(sigma) < _SMALL
    s = np.where(flat, 1.0, sigma)
    y = np.asarray(np.expm1(np.where(spare > 0, 0.0, s) * a) / s)
    if spare.any():
        y = np.where(spare > 0, (np.exp(s * a - spare) - np.exp(-spare)) / s, y)
    if flat.any():  # three terms of the series: the next is below 1e-16
        f, g = a[:, flat], sigma[flat]
        y[:, flat] = f * (1 + g * f * (0.5 + g * f / 6))
    return y


def _bent(a: Array, sigma: Array, spare: Array) -> tuple[Array, Array]:
    """`_power` and its derivative by sigma."""
    flat = np.abs(sigma) < _SMALL
    s = np.where(flat, 1.0, sigma)
    shrink = np.exp(-spare)
    y = _power(a, s, spare)
    slope = shrink * a if spare.any() else a.copy()
    slope -= y
    slope /= s
    slope += a * y
    if flat.any():
        f, g = a[:, flat], sigma[flat]
        y[:, flat] = f * (1 + g * f * (0.5 + g * f / 6))
        slope[:, flat] = f * f * (0.5 + g * f * (1 / 3 + g * f / 8))
    return y, slope


@dataclass(frozen=True, eq=False, slots=True)
class PowerLikelihood(State):
    """What the Yeo-Johnson likelihood and its score need at one tilt per column.

    Made from lifted rows (`PowerGeometry.lift`). ``score`` is the derivative of the profile log-likelihood by
    the tilt, divided by n; it is decreasing.

    Parameters
    ----------
    count, mean_a, mean_y, mean_q : array (d,)
        Weight; means of the lifted values, of the map and of its derivative.
    var_y, cov_yq : array (d,)
        Mean products of deviations.
    tilt : array (d,)
    """

    count: Array
    mean_a: Array
    mean_y: Array
    mean_q: Array
    var_y: Array
    cov_yq: Array
    tilt: Array

    @classmethod
    def identity(cls, width: int, *, geometry: PowerGeometry, tilt: Array) -> Self:
        zero = np.zeros(width)
        return cls(zero, zero, zero, zero, zero, zero, tilt)

    @classmethod
    def of(cls, x: Array, w: Array | None = None, *, geometry: PowerGeometry, tilt: Array) -> Self:
        state = cls.identity(x.shape[1], geometry=geometry, tilt=tilt)
        rows = max(1, _BLOCK // max(1, x.shape[1]))
        steep = bool(np.all((geometry.sign != 0) & (np.abs(geometry.range + tilt) > _STEEP)))
        for start in range(0, len(x), rows):
            block, part = x[start : start + rows], None if w is None else w[start : start + rows]
            missing = np.isnan(block)
            real = None
            if part is not None or missing.any():
                real = np.where(missing, 0.0, 1.0 if part is None else part[:, None])
            count = np.full(x.shape[1], float(len(block))) if real is None else real.sum(axis=0)
            summed = _steep_sums if steep else _sums
            state = state.merge(cls(count, *summed(geometry, tilt, block, real, np.where(count > 0, count, 1.0)), tilt))
        return state

    def merge(self, other: Self) -> Self:
        if not np.array_equal(self.tilt, other.tilt):
            raise FitError("PowerLikelihood.merge", expected="states at the same tilt", got="different tilts")
        n = self.count + other.count
        fa, fb = (s.count / np.where(n > 0, n, 1.0) for s in (self, other))
        dy, dq = other.mean_y - self.mean_y, other.mean_q - self.mean_q
        return type(self)(
            n,
            fa * self.mean_a + fb * other.mean_a,
            fa * self.mean_y + fb * other.mean_y,
            fa * self.mean_q + fb * other.mean_q,
            fa * self.var_y + fb * other.var_y + fa * fb * dy * dy,
            fa * self.cov_yq + fb * other.cov_yq + fa * fb * dy * dq,
            self.tilt,
        )

    @property
    def score(self) -> Array:
        """Derivative by the tilt of the profile log-likelihood a row (d,); 0 where there is no spread."""
        spread = self.var_y > 0
        return np.where(spread, self.mean_a - self.cov_yq / np.where(spread, self.var_y, 1.0), 0.0)


Sums = tuple[Array, Array, Array, Array, Array]


def _sums(geometry: PowerGeometry, tilt: Array, block: Array, real: Array | None, size: Array) -> Sums:
    """Means of a, y and y', and mean products of the deviations, over one block."""
    a, y, q = geometry.curve(block, tilt)
    mean_a, mean_y, mean_q = (_mean(v, real, size) for v in (a, y, q))
    y -= mean_y
    weighted = y if real is None else real * y
    # q need not be centred: y is
    return mean_a, mean_y, mean_q, *(np.einsum("ij,ij->j", weighted, v) / size for v in (y, q))


def _steep_sums(geometry: PowerGeometry, tilt: Array, block: Array, real: Array | None, size: Array) -> Sums:
    """`_sums` for columns of one sign that bend: from e = exp(sigma a) and a e alone, with half the passes."""
    sigma = geometry.range + tilt
    a = geometry.turned(block, sigma)
    e = sigma * a
    np.exp(e, out=e)
    p = a * e
    mean_a, mean_e, mean_p = (_mean(v, real, size) for v in (a, e, p))
    e -= mean_e
    weighted = e if real is None else real * e
    var, cov = (np.einsum("ij,ij->j", weighted, v) / size for v in (e, p))
    mean_y = (mean_e - 1) / sigma
    return mean_a, mean_y, (mean_p - mean_y) / sigma, var / sigma**2, (cov - var / sigma) / sigma**2


def _mean(v: Array, real: Array | None, size: Array) -> Array:
    return np.asarray((v.sum(axis=0) if real is None else np.einsum("ij,ij->j", real, v)) / size)


def ends_and_guess(origin: float = 1.0) -> Generator[Any, Any, tuple[Extrema, Array | None]]:
    """Ask for the ends of every column; an engine that holds all rows also solves for the tilt on a few of them."""
    first = yield Query(Extrema, whole=partial(_ends_and_guess, origin=origin))
    return first if isinstance(first, tuple) else (first, None)


def _ends_and_guess(x: Array, w: Array | None, *, origin: float) -> tuple[Extrema, Array | None]:
    ends = Extrema.of(x, w)
    if len(x) < 4 * _SAMPLE or (origin == 0 and (ends.least <= 0).any()):
        return ends, None
    every = len(x) // _SAMPLE
    few = Memory(x[::every], None if w is None else w[::every])
    rounds = most_likely_tilt(PowerGeometry(ends.least, ends.greatest, origin))
    return ends, drive(_named(rounds), few.answer)["tilt"]


def _named(rounds: Generator[Any, Any, Array]) -> Generator[Any, Any, dict[str, Any]]:
    return {"tilt": (yield from rounds)}


def most_likely_tilt(geometry: PowerGeometry, guess: Array | None = None) -> Generator[Any, Any, Array]:
    """Ask for the tilt of every column (d,) that maximizes the likelihood within the bounds."""
    lift = geometry.lift  # one object, so that an engine can keep what it lifted
    step = np.maximum(1.0, geometry.range)
    return (
        yield from decreasing_root(
            lambda tilt: PowerLikelihood.query(lift=lift, geometry=geometry, tilt=tilt),
            np.zeros_like(step) if guess is None else guess,
            step if guess is None else 0.03 * step,
            *geometry.bounds(),
            ~geometry.constant,
        )
    )


def psi(x: Array, lam: Array) -> Array:
    """The Yeo-Johnson map itself; inf where float64 cannot hold it."""
    up, down = boxcox1p(np.maximum(x, 0.0), lam), boxcox1p(np.maximum(-x, 0.0), 2 - lam)
    return np.asarray(np.where(x >= 0, up, -down))


def psi_inverse(y: Array, lam: Array) -> Array:
    """Inverse of `psi`; NaN where no value has that image."""
    up, down = inv_boxcox1p(np.maximum(y, 0.0), lam), inv_boxcox1p(np.maximum(-y, 0.0), 2 - lam)
    return np.asarray(np.where(y >= 0, up, -down))


def held(geometry: PowerGeometry, lam: Array) -> Array:
    """Whether float64 holds the map itself on each column, with at least 1e6 steps between its ends (d,)."""
    function = psi if geometry.origin else boxcox
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        low, high = function(geometry.least, lam), function(geometry.greatest, lam)
        steps = (high - low) / np.spacing(np.maximum(np.abs(low), np.abs(high)))
    return np.asarray(geometry.constant | (steps > 1e6))


def decreasing_root(
    ask: Any, first: Array, second: Array, low: Array, high: Array, active: Array
) -> Generator[Any, Any, Array]:
    """Find where a decreasing function of one number per column crosses 0, by asking for its values.

    Parameters
    ----------
    ask : callable
        ``ask(t)`` is the query whose state has ``.score`` at ``t`` (d,).
    first, second : array (d,)
        Where to look first: a guess, and how far to step from it.
    low, high : array (d,)
        Bounds; where the score does not change its sign between them, the bound it points to is the answer.
    active : array of bool (d,)
        Columns to solve for; the others stay at their guess.

    Returns
    -------
    array (d,)

    Notes
    -----
    Steps that triple until the sign changes, then Chandrupatla's bracketing (1997), all columns at once.
    """
    t = np.clip(first, low, high)
    f = (yield ask(t)).score
    a, fa = t.copy(), f.copy()
    step = np.maximum(second, 1e-300)
    open_ = active & (f != 0)
    b, fb = a.copy(), fa.copy()
    while open_.any():  # move b away from a, downhill, until the sign changes or the bound is reached
        a, fa = np.where(open_, b, a), np.where(open_, fb, fa)
        b = np.where(open_, np.clip(b + np.sign(f) * step, low, high), b)
        fb = np.where(open_, (yield ask(b)).score, fb)
        at_bound = (b == low) | (b == high)
        open_ = open_ & (np.sign(fb) == np.sign(f)) & ~at_bound
        step = step * 3.0
    root = np.where(fb == 0, b, a)
    stuck = active & (np.sign(fb) == np.sign(f)) & (f != 0)  # the bound is the answer
    root = np.where(stuck, b, root)
    open_ = active & (f != 0) & (fb != 0) & ~stuck
    c, fc = a.copy(), fa.copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        way = np.nan_to_num(fa / (fa - fb), nan=0.5)  # the secant: close to the root the score is straight
    for _ in range(200):
        best = np.where(np.abs(fa) < np.abs(fb), a, b)
        root = np.where(open_, best, root)
        width = np.abs(b - a)
        open_ = open_ & (width > _ROOT * np.maximum(1.0, np.abs(root))) & (np.minimum(np.abs(fa), np.abs(fb)) > _ZERO)
        if not open_.any():
            break
        limit = 0.5 * _ROOT * np.maximum(1.0, np.abs(root)) / np.where(width > 0, width, 1.0)
        at = np.where(open_, a + np.clip(way, limit, 1 - limit) * (b - a), root)
        ft = (yield ask(at)).score
        same = np.sign(ft) == np.sign(fa)
        c, fc = np.where(open_, np.where(same, a, b), c), np.where(open_, np.where(same, fa, fb), fc)
        b, fb = np.where(open_ & ~same, a, b), np.where(open_ & ~same, fa, fb)
        a, fa = np.where(open_, at, a), np.where(open_, ft, fa)
        with np.errstate(divide="ignore", invalid="ignore"):
            xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
            inverse = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi)
            quadratic = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        way = np.where(inverse & np.isfinite(quadratic), quadratic, 0.5)
    return np.where(active, root, t)
