"""Quantile transformation: every column to its ranks, uniform or normal."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral

import numpy as np
from scipy.special import ndtr, ndtri
from sklearn.utils._param_validation import Interval, StrOptions

from renorm.core.card import Card
from renorm.core.fit import Rounds
from renorm.core.monotone import log_slope, rank_at, value_at
from renorm.core.state import Array
from renorm.core.states import Quantiles
from renorm.table._base import Schema, TableNormalizer

CARD = Card(
    name="quantile",
    kind="table",
    normalizes="columns",
    statistic="quantile grid",
    axes="over rows, per column",
    paper="",
    fidelity="vectors",
    aliases=("quantile_transformer",),
    invertible="approximate",
    mergeable=True,
    rounds="one",
    state="fit",
    laws=(
        "row_permutation",
        "monotone",
        "shift_invariant",
        "scale_invariant",
        "weights_are_repetitions",
    ),
    not_laws=("column_independent",),
    unclaimed=("idempotent",),
    cost="fit: one sort a column; transform: two binary searches an entry",
    deviates="no row is left out by subsampling; where the normal output is clipped does not depend on the column's scale",
    use_when="columns are skewed or heavy-tailed and only their order matters; infinite values are allowed",
    avoid_when="distances within the tails carry the signal, or there are few rows",
)

_END = -ndtri(1e-7)  # where the normal output ends, as scikit-learn's


class Quantile(TableNormalizer):
    """Each column to its ranks in [0, 1], or to normal scores, by its distribution function on a grid of quantiles.

    Parameters
    ----------
    n_quantiles : int, default=1000
        Points of the grid, at most the number of rows (scikit-learn's default).
    output_distribution : {"uniform", "normal"}, default="uniform"
        Ranks, or the standard normal's quantiles at the ranks, ending at +-5.1993 (scikit-learn's default).

    Attributes
    ----------
    quantiles_ : ndarray of shape (n_quantiles_, n_features)
        The grid, rising in each column; NaN for a column without values.
    references_ : ndarray of shape (n_quantiles_,)
        The ranks of the grid.
    n_quantiles_ : int

    Notes
    -----
    Between grid points the map is linear; tied values get the middle of their ranks; values outside the grid,
    infinite ones among them, get its ends. All rows are used. The columns share one list of ranks, as long as
    the fullest column: a column with missing values gets interpolated grid points beside a fuller one.
    Above 50 000 rows that do not come in one piece
    the grid is within the rank error that `renorm.core.states.Quantiles.rank_error` states.

    Examples
    --------
    >>> import numpy as np
    >>> from renorm.table import Quantile
    >>> Quantile(n_quantiles=5).fit_transform(np.array([[1.0], [10.0], [100.0], [1e3], [1e30]])).ravel()
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """

    _accepts_inf = True
    _returns_inf = True
    _parameter_constraints = {
        "n_quantiles": [Interval(Integral, 1, None, closed="left")],
        "output_distribution": [StrOptions({"uniform", "normal"})],
    }

    def __init__(self, *, n_quantiles: int = 1000, output_distribution: str = "uniform") -> None:
        self.n_quantiles = n_quantiles
        self.output_distribution = output_distribution

    def _rounds(self, schema: Schema) -> Rounds:
        state = yield Quantiles.query()
        size = int(np.clip(state.size.max(), 1, self.n_quantiles))
        references = np.linspace(0, 1, size)
        return {"quantiles_": state.at(references), "references_": references, "n_quantiles_": size}

    def _by_column(self, function: Callable[[Array, Array, Array], Array], x: Array) -> Array:
        return np.column_stack([function(c, g, self.references_) for c, g in zip(x.T, self.quantiles_.T, strict=True)])

    def _map(self, x: Array) -> Array:
        out = self._by_column(rank_at, x)
        return np.clip(ndtri(out), -_END, _END) if self.output_distribution == "normal" else out

    def _unmap(self, y: Array) -> Array:
        if self.output_distribution == "normal":  # the clipped ends are the ends of the grid
            y = np.where(np.abs(y) >= _END, y > 0, ndtr(y))
        return self._by_column(value_at, y)

    def _log_abs_det(self, x: Array) -> Array:
        out = self._by_column(log_slope, x)
        if self.output_distribution == "normal":
            z = self._map(x)
            out = np.where(np.abs(z) < _END, out + 0.5 * (np.log(2 * np.pi) + z**2), -np.inf)
        return np.where(np.isnan(x), np.nan, out)
