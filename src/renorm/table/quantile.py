"""Quantile transformation: every column to its ranks, uniform or normal."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from scipy.special import ndtr, ndtri
from sklearn.utils._param_validation import Interval, StrOptions

from renorm.core.card import Card
from renorm.core.fit import Rounds
from renorm.core.rank import between
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
        "column_independent",
        "monotone",
        "shift_invariant",
        "scale_invariant",
        "weights_are_repetitions",
    ),
    not_laws=(),
    unclaimed=("idempotent",),
    cost="fit: one sort a column; transform: two binary searches an entry",
    deviates="all rows are used, none are subsampled; the clipping of the normal output does not depend on the column's scale",
    use_when="columns are skewed or heavy-tailed and only their order matters; infinite values are allowed",
    avoid_when="distances within the tails carry the signal, or there are few rows",
)

_EDGE = 1e-7  # scikit-learn's: the normal output ends at ndtri(1e-7 - spacing(1)) = -5.1993
_ENDS = ndtri(np.array([_EDGE - np.spacing(1.0), 1.0 - (_EDGE - np.spacing(1.0))]))


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
    infinite ones among them, get its ends. All rows are used. Above 50 000 rows that do not come in one piece
    the grid is within the rank error that `renorm.core.states.Quantiles.rank_error` states.

    Examples
    --------
    >>> import numpy as np
    >>> from renorm.table import Quantile
    >>> Quantile(n_quantiles=5).fit_transform(np.array([[1.0], [10.0], [100.0], [1e3], [1e30]])).ravel()
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """

    _accepts_inf = True
    _parameter_constraints = {
        "n_quantiles": [Interval(Integral, 1, None, closed="left")],
        "output_distribution": [StrOptions({"uniform", "normal"})],
    }

    def __init__(self, *, n_quantiles: int = 1000, output_distribution: str = "uniform") -> None:
        self.n_quantiles = n_quantiles
        self.output_distribution = output_distribution

    def _rounds(self, schema: Schema) -> Rounds:
        state = yield Quantiles.query()
        size = int(min(self.n_quantiles, max(1.0, np.max(state.size, initial=1.0))))
        references = np.linspace(0, 1, size)
        return {"quantiles_": state.at(references), "references_": references, "n_quantiles_": size}

    def _map(self, x: Array) -> Array:
        out = np.column_stack([_ranks(x[:, j], self.quantiles_[:, j], self.references_) for j in range(x.shape[1])])
        return np.clip(ndtri(out), *_ENDS) if self.output_distribution == "normal" else out

    def _unmap(self, y: Array) -> Array:
        if self.output_distribution == "normal":  # the clipped ends are the ends of the grid
            y = np.where(y <= _ENDS[0], 0.0, np.where(y >= _ENDS[1], 1.0, ndtr(y)))
        return np.column_stack([_values(y[:, j], self.references_, self.quantiles_[:, j]) for j in range(y.shape[1])])

    def _log_abs_det(self, x: Array) -> Array:
        out = np.column_stack([_log_slope(x[:, j], self.quantiles_[:, j], self.references_) for j in range(x.shape[1])])
        if self.output_distribution == "normal":
            z = self._map(x)
            out = np.where((z > _ENDS[0]) & (z < _ENDS[1]), out + 0.5 * (np.log(2 * np.pi) + z**2), -np.inf)
        return np.where(np.isnan(x), np.nan, out)


def _ranks(x: Array, grid: Array, references: Array) -> Array:
    """Linear between grid points; a value tied with several gets the middle of their ranks; the ends are 0 and 1."""
    last = len(grid) - 1
    left = np.searchsorted(grid, x, side="left")
    right = np.searchsorted(grid, x, side="right")
    middle = 0.5 * (references[np.minimum(left, last)] + references[np.maximum(right - 1, 0)])
    below, above = np.maximum(left - 1, 0), np.minimum(left, last)
    inside = between(references[below], references[above], _way(x, grid[below], grid[above]))
    out = np.where(right > left, middle, inside)
    out = np.where(x >= grid[last], 1.0, out)
    return np.where(np.isnan(x + grid[0] * 0), np.nan, np.where(x <= grid[0], 0.0, out))


def _way(x: Array, low: Array, high: Array) -> Array:
    """How far x is on the way from low to high, in [0, 1]; halves keep the differences finite."""
    return np.clip((0.5 * x - 0.5 * low) / (0.5 * high - 0.5 * low), 0.0, 1.0)


def _values(ranks: Array, references: Array, grid: Array) -> Array:
    at = np.clip(np.searchsorted(references, ranks, side="right") - 1, 0, max(len(grid) - 2, 0))
    above = np.minimum(at + 1, len(grid) - 1)
    out = between(grid[at], grid[above], np.nan_to_num(_way(ranks, references[at], references[above])))
    return np.where(np.isnan(ranks), np.nan, out)


def _log_slope(x: Array, grid: Array, references: Array) -> Array:
    """Log of the slope of the piece at, or to the right of, each value; -inf outside the grid."""
    below = np.clip(np.searchsorted(grid, x, side="right") - 1, 0, max(len(grid) - 2, 0))
    above = np.minimum(below + 1, len(grid) - 1)
    slope = np.log(references[above] - references[below]) - np.log(grid[above] - grid[below])
    return np.where((x < grid[0]) | (x > grid[-1]), -np.inf, slope)
