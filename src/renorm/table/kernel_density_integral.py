"""Kernel density integral: every column through the distribution function of its kernel density estimate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Integral, Real

import numpy as np
from scipy.special import ndtr, ndtri
from sklearn.utils._param_validation import Interval, StrOptions

from renorm.core.affine import unit_exponent
from renorm.core.card import Card
from renorm.core.errors import OptionError
from renorm.core.fit import Rounds
from renorm.core.kernel_density import gaussian_sums, look_up, polyexp_bandwidth_ratio, polyexp_sums, share_below
from renorm.core.monotone import log_slope, value_at
from renorm.core.rank import RankSummary, quantiles_of_sorted, values_of
from renorm.core.state import Array
from renorm.core.states import Moments, Quantiles
from renorm.table._base import Schema, TableNormalizer

CARD = Card(
    name="kernel_density_integral",
    kind="table",
    normalizes="columns",
    statistic="kernel density estimate",
    axes="over rows, per column",
    paper="mccarter2023kernel",
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
    quantiles_ : ndarray of shape (n, n_features)
        Values at which y is ``references_``, rising in each column; NaN below a column's last one.
    references_ : ndarray of shape (n, n_features)
        Ranks from 0 to 1.
    n_quantiles_ : ndarray of int of shape (n_features,)
        Points of each column's grid.
    bandwidth_ : ndarray of shape (n_features,)
        h over the range of the column; NaN where it has no range.
    values_, weights_ : ndarray of shape (n, n_features)
        With ``exact`` alone: the sorted rows, NaN below the last, and their weights.

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
    array([0.    , 0.1783, 0.3596, 1.    ])
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
        columns = [_Column(*state.column(j), *extent) for j, extent in enumerate(_extents(state, moments))]
        grids = [self._grid(column) for column in columns]
        learnt = {
            "quantiles_": _padded([g[0] for g in grids]),
            "references_": _padded([g[1] for g in grids]),
            "n_quantiles_": np.array([len(g[0]) for g in grids]),
            "bandwidth_": np.array([g[2] for g in grids]),
        }
        if self.exact:
            learnt |= {"values_": _padded([c.values for c in columns]), "weights_": _padded([c.weights for c in columns])}
        return learnt
