"""Kernel density integral discretizer: every column to bins between the valleys of its transformed density."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from renorm.core.card import Card
from renorm.core.fit import Rounds, drive
from renorm.core.kernel_density import gaussian_sums, look_up, over_range, padded, valleys
from renorm.core.monotone import value_at
from renorm.core.rank import between
from renorm.core.state import Array
from renorm.core.states import Moments, Quantiles
from renorm.table._base import Schema, TableNormalizer
from renorm.table.kernel_density_integral import KernelDensityIntegral

CARD = Card(
    name="kernel_density_integral_discretizer",
    kind="table",
    normalizes="columns",
    statistic="kernel density estimate",
    axes="over rows, per column",
    paper="arXiv:2309.10194",
    fidelity="vectors",
    aliases=("kdi_discretizer",),
    tier="shelf",
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
    unclaimed=("idempotent",),
    cost="fit: as kernel_density_integral, and a density on 1 / precision points; transform: one binary search an entry",
    deviates="missing values are left out; a column of one value is one bin; no probabilities of bins; fitting "
    "discloses values",
    use_when="a column has clusters, and codes of them are wanted without choosing their number",
    avoid_when="the column is unimodal: it becomes one bin, a constant",
)


class KernelDensityIntegralDiscretizer(TableNormalizer):
    r"""Bin codes 0, 1, ..: how many boundaries lie below a value; boundaries where the density of y has a valley.

    y is the column's kernel density integral, its density sum_i w_i phi((t - y_i) / h), phi the normal density.

    Parameters
    ----------
    alpha : float > 0, "scott" or "silverman", default=1.0
        Bandwidth of the integral (the authors' default): see `KernelDensityIntegral`.
    beta : float > 0, "scott" or "silverman", default="scott"
        Bandwidth of the density of y over its standard deviation, n - 1 in the denominator (the authors'
        default); ``n ** -0.2`` or ``(0.75 n) ** -0.2``.
    precision : float, default=0.001
        Of a boundary on the scale of y, 0 to 1 (the authors' default).
    n_bins : int, optional
        That many bins of equal length of y instead.
    n_quantiles : int, default=1000
        Points of the integral's grid (the authors' default).

    Attributes
    ----------
    boundaries_ : ndarray of shape (n, n_features)
        Rising in each column, NaN below a column's last one.
    centers_ : ndarray of shape (n + 1, n_features)
        Where the density of y has a peak, or the middle of an equal bin; NaN below a column's last one.
    n_bins_ : ndarray of int of shape (n_features,)

    Notes
    -----
    A value at a boundary is in the bin below it. A missing value stays missing. A column of one value, or of
    none, is one bin, with no center. The fit needs the column's values: an engine that may not disclose them
    refuses it.

    References
    ----------
    C. McCarter, "The Kernel Density Integral Transformation", TMLR 2023, arXiv:2309.10194.

    Examples
    --------
    >>> import numpy as np
    >>> from renorm.table import KernelDensityIntegralDiscretizer
    >>> x = np.array([[1.0], [1.1], [1.2], [7.0], [7.3], [7.4]])
    >>> bins = KernelDensityIntegralDiscretizer().fit(x)
    >>> bins.transform(x).ravel(), bins.boundaries_.round(1).ravel()
    (array([0., 0., 0., 1., 1., 1.]), array([4.2]))
    """

    _parameter_constraints = {
        "alpha": [Interval(Real, 0, None, closed="neither"), StrOptions({"scott", "silverman"})],
        "beta": [Interval(Real, 0, None, closed="neither"), StrOptions({"scott", "silverman"})],
        "precision": [Interval(Real, 1e-5, 0.1, closed="both")],
        "n_bins": [Interval(Integral, 1, None, closed="left"), None],
        "n_quantiles": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(
        self,
        *,
        alpha: float | str = 1.0,
        beta: float | str = "scott",
        precision: float = 1e-3,
        n_bins: int | None = None,
        n_quantiles: int = 1000,
    ) -> None:
        self.alpha = alpha
        self.beta = beta
        self.precision = precision
        self.n_bins = n_bins
        self.n_quantiles = n_quantiles

    def _rounds(self, schema: Schema) -> Rounds:
        state, moments = yield Quantiles.query(), Moments.query()
        integral = KernelDensityIntegral(alpha=self.alpha, n_quantiles=self.n_quantiles)
        learnt = drive(integral._rounds(schema), lambda queries: (state, moments))
        boundaries, centers = [], []
        for j, n in enumerate(learnt["n_quantiles_"]):
            low, high = learnt["data_min_"][j], learnt["data_max_"][j]
            grid = learnt["positions_"][:n, j], learnt["references_"][:n, j]
            values, cumulated = state.column(j)
            edges, middles = np.zeros(0), np.zeros(0)
            if low < high:
                y = look_up(over_range(values, low, high), *grid)
                edges, middles = self._bins(y, np.diff(cumulated, prepend=0.0), float(state.size[j]))
            boundaries.append(between(low, high, value_at(edges, *grid)))
            centers.append(between(low, high, value_at(middles, *grid)))
        return {
            "boundaries_": padded(boundaries),
            "centers_": padded(centers),
            "n_bins_": np.array([len(b) + 1 for b in boundaries]),
        }

    def _bins(self, y: Array, weights: Array, n: float) -> tuple[Array, Array]:
        """Return boundaries and centers on the scale of y."""
        if self.n_bins is not None:
            halves = np.arange(1, 2 * self.n_bins) / (2 * self.n_bins)
            return halves[1::2], halves[::2]
        mean = np.average(y, weights=weights)
        spread = np.sqrt(np.average((y - mean) ** 2, weights=weights) * n / (n - 1))
        rules = {"scott": n**-0.2, "silverman": (0.75 * n) ** -0.2}
        h = spread * (rules[self.beta] if isinstance(self.beta, str) else self.beta)
        points = np.linspace(-self.precision, 1 + self.precision, round(1 / self.precision) + 4)
        density, _ = gaussian_sums(points, y, weights, h)
        return valleys(points, density), valleys(points, -density)

    def _map(self, x: Array) -> Array:
        out = np.empty(x.shape)
        for j, n in enumerate(self.n_bins_):
            out[:, j] = np.searchsorted(self.boundaries_[: n - 1, j], x[:, j])
        return np.where(np.isnan(x), np.nan, out)
