"""Rank-based normal scores: every value to the normal quantile of its rank."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real

import numpy as np
from scipy.special import ndtri
from sklearn.utils._param_validation import Interval

from renorm.core.card import Card
from renorm.core.fit import Rounds
from renorm.core.monotone import log_slope, value_at, way
from renorm.core.rank import between
from renorm.core.state import Array
from renorm.core.states import Quantiles
from renorm.table._base import Schema, TableNormalizer

CARD = Card(
    name="rank_gauss",
    kind="table",
    normalizes="columns",
    statistic="ranks of all values",
    axes="over rows, per column",
    paper="doi:10.1007/s10519-009-9281-0",
    fidelity="formula",
    aliases=("inverse_normal_transform", "normal_scores"),
    invertible="approximate",
    mergeable=True,
    rounds="one",
    state="fit",
    laws=(
        "row_permutation",
        "column_independent",
        "monotone",
        "idempotent",
        "shift_invariant",
        "scale_invariant",
        "weights_are_repetitions",
    ),
    not_laws=(),
    cost="fit: one sort a column, and two numbers kept for every distinct value; transform: one binary search an entry",
    deviates="values that were not fitted, of which the paper says nothing, are interpolated",
    use_when="columns are to be normal whatever their shape, every fitted row counts, and only the order matters",
    avoid_when="distances carry the signal, or rows are so many that a grid will do (quantile)",
)


class RankGauss(TableNormalizer):
    r"""y = Phi^{-1}((r - c) / (n + 1 - 2 c)), r the rank of x among the n values of its column.

    Parameters
    ----------
    offset : float, default=0.375
        c, in [0, 0.5]: 3/8 is Blom's, the most used (renorm's default), 1/3 Tukey's, 1/2 Hazen's (r - 1/2) / n, 0 van der
        Waerden's r / (n + 1).

    Attributes
    ----------
    values_ : ndarray of shape (n_distinct, n_features)
        The distinct values of each column, rising; NaN below the last.
    scores_ : ndarray of shape (n_distinct, n_features)
        Their images.

    Raises
    ------
    DataError
        For text, naming column and row.

    Notes
    -----
    Ties get the middle of their ranks. Between fitted values the map is linear, beyond them it is flat. Infinite
    values count by their rank. The map known as RankGauss takes erfinv of evenly spaced ranks in (-1, 1), which is
    this one up to a factor and the offset. Above 50 000 rows that do not come in one piece the ranks are within the
    error that `renorm.core.states.Quantiles.rank_error` states. Missing values are left out and stay missing.

    References
    ----------
    T. M. Beasley, S. Erickson and D. B. Allison, Rank-based inverse normal transformations are increasingly used,
    but are they merited?, Behavior Genetics 39 (2009) 580-595, doi:10.1007/s10519-009-9281-0.

    Examples
    --------
    >>> import numpy as np
    >>> from renorm.table import RankGauss
    >>> RankGauss().fit_transform(np.array([[1.0], [10.0], [10.0], [1e3], [1e30]])).ravel().round(4)
    array([-1.1798, -0.241 , -0.241 ,  0.4972,  1.1798])
    """

    _accepts_inf = True
    _returns_inf = True
    _parameter_constraints = {"offset": [Interval(Real, 0, 0.5, closed="both")]}

    def __init__(self, *, offset: float = 0.375) -> None:
        self.offset = offset

    def _rounds(self, schema: Schema) -> Rounds:
        state = yield Quantiles.query()
        found = [self._scores(state, j) for j in range(schema.width)]
        values, scores = np.full((2, max(1, *(len(v) for v, _ in found)), schema.width), np.nan)
        for j, (v, z) in enumerate(found):
            values[: len(v), j], scores[: len(v), j] = v, z
        return {"values_": values, "scores_": scores}

    def _scores(self, state: Quantiles, j: int) -> tuple[Array, Array]:
        """Distinct values of a column, and their scores."""
        values, cumulated = state.column(j)
        distinct, ties = np.unique(values, return_counts=True)
        upto = cumulated[np.cumsum(ties) - 1] * (state.size[j] / cumulated[-1:])  # in rows, where weights are shares
        rank = 0.5 * (np.append(0.0, upto)[:-1] + upto + 1)
        return distinct, ndtri((rank - self.offset) / (state.size[j] + 1 - 2 * self.offset))

    def _by_column(self, function: Callable[[Array, Array, Array], Array], x: Array) -> Array:
        columns = []
        for j, column in enumerate(x.T):
            known = max(1, np.count_nonzero(~np.isnan(self.values_[:, j])))
            columns.append(function(column, self.values_[:known, j], self.scores_[:known, j]))
        return np.column_stack(columns)

    def _map(self, x: Array) -> Array:
        return self._by_column(_score_at, x)

    def _unmap(self, y: Array) -> Array:
        return self._by_column(value_at, y)

    def _log_abs_det(self, x: Array) -> Array:
        slope = self._by_column(log_slope, x)
        return np.where(np.isnan(x), np.nan, np.where(np.isnan(slope), -np.inf, slope))  # one value alone has no slope


def _score_at(x: Array, values: Array, scores: Array) -> Array:
    below = np.maximum(np.searchsorted(values, x, side="right") - 1, 0)
    above = np.minimum(below + 1, len(values) - 1)
    part = np.where(x <= values[below], 0.0, way(x, values[below], values[above]))
    return np.where(np.isnan(x), np.nan, between(scores[below], scores[above], part))
