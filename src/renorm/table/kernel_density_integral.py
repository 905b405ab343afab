"""Kernel density integral: every column through the distribution function of its kernel density estimate."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from numbers import Integral, Real

import numpy as np
from scipy.special import ndtr, ndtri
from sklearn.utils._param_validation import Interval, StrOptions

from renorm.core.card import Card
from renorm.core.errors import OptionError
from renorm.core.fit import Rounds
from renorm.core.kernel_density import (
    density_sums,
    look_up,
    over_range,
    polyexp_bandwidth_ratio,
    share_below,
    spread_over_range,
)
from renorm.core.monotone import log_slope, value_at
from renorm.core.rank import RankSummary, between, quantiles_of_sorted, values_of
from renorm.core.state import Array
from renorm.core.states import Moments, Quantiles
from renorm.table._base import Schema, TableNormalizer

CARD = Card(
    name="kernel_density_integral",
    kind="table",
    normalizes="columns",
    statistic="kernel density estimate",
    axes="over rows, per column",
    paper="arXiv:2309.10194",
    fidelity="vectors",
    aliases=("kdi", "kdi_transformer"),
    invertible="approximate",
    mergeable=True,
    rounds="one",
    state="fit",
    laws=(
        "row_permutation",
        "column_independent",
        "monotone",
        "shift_invariant",
        "scale_invariant",
        "weights_are_repetitions",
    ),
    not_laws=("idempotent",),
    cost="fit: one sort a column, sums in O(n p + m log m); transform: three table look-ups an entry, about 10 ns",
    deviates="grid steps longer than a bandwidth count by the kernel's closed form instead of the trapezoid rule, so "
    "that alpha -> 0 is the quantile transform; all rows are used; missing values are left out; normal output is "
    "clipped by rank, not by distance in the column's unit; fitting discloses values",
    use_when="a compromise between min_max (alpha large) and quantile (alpha small) is wanted: skew goes, clusters stay",
    avoid_when="one far outlier sets the standard deviation, so that the rest falls within one bandwidth: winsor first",
)

_END = -ndtri(1e-7)  # where the normal output ends, as the quantile transform's
_FAR = 800.0  # bandwidths beyond which nothing is left of a kernel
_TRAIN = 12.0  # bandwidths beyond which a step of the published "train" grid passes over whole kernels


class KernelDensityIntegral(TableNormalizer):
    r"""y = (F(x) - F(min)) / (F(max) - F(min)), F(x) = mean_i G((x - x_i) / h), G the integral of a kernel.

    Parameters
    ----------
    alpha : float > 0, "scott" or "silverman", default=1.0
        Bandwidth over the column's standard deviation (the paper's default); ``n ** -0.2`` or
        ``(0.75 n) ** -0.2``. Large values give min-max scaling, small ones the quantile transform.
    kernel : {"polyexp", "gaussian"}, default="polyexp"
        exp(-\|u\|) sum_k \|u\|^k / k! with the bandwidth of the same asymptotic error, or the normal density.
    polyexp_order : int, default=4
        Highest k (the authors' default).
    polyexp_eval : {"auto", "uniform", "train"}, default="auto"
        Where the polyexp density is evaluated: ``n_quantiles`` equally spaced points and the quantiles; the
        former alone; or the rows and their midpoints (the authors' grid, off by up to .04 in sparse tails).
    n_quantiles : int, default=1000
        Points of the grid, at most the column's number of rows (the authors' default).
    output_distribution : {"uniform", "normal"}, default="uniform"
        [0, 1], or the standard normal's quantiles, ending at +-5.1993 (the authors' default).
    exact : bool, default=False
        Evaluate F at every row of `transform` instead of interpolating between grid points; uniform output
        then goes on beyond 0 and 1 outside the fitted range. Keeps the fitted rows.

    Attributes
    ----------
    data_min_, data_max_ : ndarray of shape (n_features,)
        Least and greatest value.
    positions_ : ndarray of shape (n, n_features)
        Where y is ``references_``, as parts of the column's range: 0 at the least value, 1 at the greatest.
        NaN below a column's last one.
    references_ : ndarray of shape (n, n_features)
        Ranks from 0 to 1.
    n_quantiles_ : ndarray of int of shape (n_features,)
        Points of each column's grid.
    bandwidth_ : ndarray of shape (n_features,)
        h as a part of the range; NaN where there is none.
    rows_, weights_ : ndarray of shape (n, n_features)
        With ``exact`` alone: the sorted rows as parts of the range, and their weights; NaN below the last.

    Raises
    ------
    OptionError
        Where ``exact`` is asked with ``alpha`` above 1e6, whose differences float64 does not hold.

    Notes
    -----
    Grid steps up to one bandwidth count by the trapezoid rule as published, longer ones by the closed form of
    G: the published code is wrong by .45 at ``alpha=1e-4``. A constant column gets 0 up to its value and 1
    above. Values outside the grid get its ends. Whole weights are repetitions, others shares of the number of
    rows. Above 50 000 rows that do not come in one piece F is within the rank error that
    `renorm.core.states.Quantiles.rank_error` states; the standard deviation is exact. The fit needs the
    column's values: an engine that may not disclose them refuses it. The inverse interpolates the grid.

    References
    ----------
    C. McCarter, "The Kernel Density Integral Transformation", TMLR 2023, arXiv:2309.10194.

    Examples
    --------
    >>> import numpy as np
    >>> from renorm.table import KernelDensityIntegral
    >>> x = np.array([[0.0], [1.0], [2.0], [10.0]])
    >>> KernelDensityIntegral().fit_transform(x).ravel().round(4)
    array([0.    , 0.1293, 0.2586, 1.    ])
    >>> KernelDensityIntegral(alpha=1e-9).fit_transform(x).ravel().round(4)
    array([0.    , 0.3333, 0.6667, 1.    ])
    """

    _parameter_constraints = {
        "alpha": [Interval(Real, 0, None, closed="neither"), StrOptions({"scott", "silverman"})],
        "kernel": [StrOptions({"polyexp", "gaussian"})],
        "polyexp_order": [Interval(Integral, 0, 20, closed="both")],
        "polyexp_eval": [StrOptions({"auto", "uniform", "train"})],
        "n_quantiles": [Interval(Integral, 1, None, closed="left")],
        "output_distribution": [StrOptions({"uniform", "normal"})],
        "exact": ["boolean"],
    }

    def __init__(
        self,
        *,
        alpha: float | str = 1.0,
        kernel: str = "polyexp",
        polyexp_order: int = 4,
        polyexp_eval: str = "auto",
        n_quantiles: int = 1000,
        output_distribution: str = "uniform",
        exact: bool = False,
    ) -> None:
        self.alpha = alpha
        self.kernel = kernel
        self.polyexp_order = polyexp_order
        self.polyexp_eval = polyexp_eval
        self.n_quantiles = n_quantiles
        self.output_distribution = output_distribution
        self.exact = exact

    def _rounds(self, schema: Schema) -> Rounds:
        if self.exact and not isinstance(self.alpha, str) and self.alpha > 1e6:
            who, hint = "KernelDensityIntegral(alpha, exact)", "exact=False, or min_max"
            raise OptionError(who, expected="alpha up to 1e6 with exact=True", got=repr(self.alpha), hint=hint)
        state, moments = yield Quantiles.query(), Moments.query()
        known = RankSummary(*state.summary)
        low, high = values_of(known.least), values_of(known.greatest)
        bandwidths = self._bandwidths(known.size, spread_over_range(moments, low, high))
        kept = []
        for j, h in enumerate(bandwidths):
            values, cumulated = state.column(j)
            rows, weights = over_range(values, low[j], high[j]), np.diff(cumulated, prepend=0.0)
            references = np.linspace(0, 1, int(np.clip(known.size[j], 1, self.n_quantiles)))
            positions = quantiles_of_sorted(rows, cumulated, known.size[j], references)
            if h > 0:
                points = self._points(rows, positions)
                longest = h * (1e-5 if self.kernel == "gaussian" else _TRAIN if self.polyexp_eval == "train" else 1.0)
                positions = value_at(references, points, share_below(points, *self._sums(points, rows, weights, h), longest))
            kept.append((positions, references, rows, weights))
        names = ["positions_", "references_", "rows_", "weights_"][: 4 if self.exact else 2]
        learnt = {"data_min_": low, "data_max_": high, "bandwidth_": bandwidths}
        learnt["n_quantiles_"] = np.array([len(k[0]) for k in kept])
        return learnt | {name: _padded([k[i] for k in kept]) for i, name in enumerate(names)}

    def _bandwidths(self, size: Array, spread: Array) -> Array:
        n = np.maximum(size, 2.0)
        rules = {"scott": n**-0.2, "silverman": (0.75 * n) ** -0.2}
        alpha = rules[self.alpha] if isinstance(self.alpha, str) else self.alpha
        ratio = np.sqrt(n / (n - 1)) if self.kernel == "gaussian" else polyexp_bandwidth_ratio(self.polyexp_order)
        return np.clip(alpha * spread * ratio, 1e-300, 1e100)

    def _points(self, rows: Array, quantiles: Array) -> Array:
        uniform, midpoints = np.linspace(0, 1, self.n_quantiles), 0.5 * (rows[1:] + rows[:-1])
        parts = {"auto": [uniform, quantiles], "uniform": [uniform], "train": [rows, midpoints]}
        chosen = [quantiles] if self.kernel == "gaussian" else parts[self.polyexp_eval]
        return np.sort(np.concatenate([[0.0, 1.0], *chosen]))

    def _sums(self, points: Array, rows: Array, weights: Array, h: float) -> tuple[Array, Array]:
        return density_sums(points, rows, weights, h, None if self.kernel == "gaussian" else self.polyexp_order)

    def _exactly(self, j: int, z: Array) -> tuple[Array, Array]:
        """Return the share below each position in a column, and the log of its derivative."""
        known, real, h = ~np.isnan(self.rows_[:, j]), ~np.isnan(z), self.bandwidth_[j]
        near = np.clip(z[real], -_FAR * h, 1 + _FAR * h)
        points, at = np.unique(np.concatenate([[0.0, 1.0], near]), return_inverse=True)
        density, below = (v[at] for v in self._sums(points, self.rows_[known, j], self.weights_[known, j], h))
        out = np.full((2, len(z)), np.nan)
        inside = below[1] - below[0]
        out[:, real] = (below[2:] - below[0]) / inside, np.log(density[2:] / inside)
        return out[0], out[1]

    def _grid(self, j: int) -> tuple[Array, Array]:
        n = self.n_quantiles_[j]
        return self.positions_[:n, j], self.references_[:n, j]

    def _place(self, j: int) -> Callable[[Array], Array]:
        return partial(over_range, low=self.data_min_[j], high=self.data_max_[j])

    def _map(self, x: Array) -> Array:
        out = np.empty(x.shape)
        for j, column in enumerate(x.T):
            if self.exact and self.bandwidth_[j] > 0:
                out[:, j] = self._exactly(j, self._place(j)(column))[0]
            else:
                look_up(column, *self._grid(j), place=self._place(j), out=out[:, j])
        if self.output_distribution == "normal":
            np.clip(ndtri(np.clip(out, 0, 1, out=out), out=out), -_END, _END, out=out)
        return out

    def _unmap(self, y: Array) -> Array:
        if self.output_distribution == "normal":  # the clipped ends are the ends of the grid
            y = np.where(np.abs(y) >= _END, y > 0, ndtr(y))
        z = np.column_stack([value_at(column, *self._grid(j)) for j, column in enumerate(y.T)])
        return between(self.data_min_, self.data_max_, z)

    def _log_abs_det(self, x: Array) -> Array:
        half, out = 0.5 * self.data_max_ - 0.5 * self.data_min_, np.empty(x.shape)
        for j, column in enumerate(x.T):
            z = self._place(j)(column)
            exact = self.exact and self.bandwidth_[j] > 0
            out[:, j] = self._exactly(j, z)[1] if exact else log_slope(z, *self._grid(j))
        out -= np.log(2 * np.where(half > 0, half, 0.5))
        if self.output_distribution == "normal":
            y = self._map(x)
            out = np.where(np.abs(y) < _END, out + 0.5 * (np.log(2 * np.pi) + y**2), -np.inf)
        return np.where(np.isnan(x), np.nan, out)


def _padded(columns: list[Array]) -> Array:
    """Columns of different lengths as one array, NaN below their last values."""
    out = np.full((max(len(c) for c in columns), len(columns)), np.nan)
    for j, column in enumerate(columns):
        out[: len(column), j] = column
    return out
