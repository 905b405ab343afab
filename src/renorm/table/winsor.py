"""Winsorizing: values beyond the caps of a column go to the caps."""

from __future__ import annotations

from functools import partial
from numbers import Real

import numpy as np
from scipy.special import ndtri
from sklearn.utils._param_validation import Interval, StrOptions

from renorm.core.card import Card
from renorm.core.errors import OptionError
from renorm.core.fit import Rounds
from renorm.core.rank import quantiles
from renorm.core.state import Array
from renorm.core.states import Moments
from renorm.table._base import Schema, TableNormalizer

CARD = Card(
    name="winsor",
    kind="table",
    normalizes="columns",
    statistic="caps from mean and standard deviation, quartiles, median deviation or quantiles",
    axes="over rows, per column",
    paper="",
    fidelity="vectors",
    aliases=("winsorizer",),
    invertible="no",
    mergeable=True,
    rounds="many",
    state="fit",
    laws=("row_permutation", "column_independent", "monotone", "weights_are_repetitions"),
    not_laws=("idempotent", "shift_invariant", "scale_invariant"),
    cost="fit: one pass, or one or two selections a column; transform: two comparisons an entry",
    deviates="feature-engine caps the right tail by default, refuses columns of spread 0, and has 0.67449 for 0.6744897",
    use_when="a few values are errors or too far out to trust, and the column's unit is to stay",
    avoid_when="the tails carry the signal, or the distances in them (asinh, soft_z keep the order)",
)

_FOLDS = {"gauss": 3.0, "iqr": 1.5, "mad": 3.29, "quantile": 0.05}


class Winsor(TableNormalizer):
    r"""y = min(max(x, lower), upper), column by column, with caps from the column.

    ========  =================================  ==================================  ============
    method    lower                              upper                               default fold
    ========  =================================  ==================================  ============
    gauss     mean - fold * std                  mean + fold * std                   3
    iqr       Q1 - fold * (Q3 - Q1)              Q3 + fold * (Q3 - Q1)               1.5
    mad       median - fold * MAD / 0.6745       median + fold * MAD / 0.6745        3.29
    quantile  quantile at fold                   quantile at 1 - fold                0.05
    ========  =================================  ==================================  ============

    Parameters
    ----------
    method : {"gauss", "iqr", "mad", "quantile"}, default="gauss"
        Where the caps come from (feature-engine's default). MAD is the median of the distances from the median;
        the standard deviation is divided by n.
    tail : {"both", "left", "right"}, default="both"
        Which caps are used; the other is infinite (feature-engine's default is the right one).
    fold : float or None, default=None
        How far out the caps lie; below 0.5 for "quantile". None takes the method's own, feature-engine's.

    Attributes
    ----------
    lower_, upper_ : ndarray of shape (n_features,)
        The caps; infinite for a tail that is not capped, NaN for a column without values.

    Raises
    ------
    OptionError
        For a ``fold`` of 0.5 or more with quantiles.
    DataError
        For infinite values or text, naming column and row.

    Notes
    -----
    Where the spread that the method measures (std, Q3 - Q1, MAD, the distance of the quantiles) is 0, the column is
    left alone: more than half of its values may be one, and caps would make all of them so. Quantiles are order
    statistics, interpolated linearly, and the same bits on every engine. Missing values are left out and stay missing.

    Examples
    --------
    >>> import numpy as np
    >>> from renorm.table import Winsor
    >>> x = np.array([[1.0], [2.0], [3.0], [4.0], [1000.0]])
    >>> Winsor(method="iqr").fit_transform(x).ravel()
    array([1., 2., 3., 4., 7.])
    >>> Winsor(method="quantile", fold=0.25, tail="left").fit_transform(x).ravel()
    array([   2.,    2.,    3.,    4., 1000.])
    """

    _parameter_constraints = {
        "method": [StrOptions(set(_FOLDS))],
        "tail": [StrOptions({"both", "left", "right"})],
        "fold": [Interval(Real, 0, None, closed="neither"), None],
    }

    def __init__(self, *, method: str = "gauss", tail: str = "both", fold: float | None = None) -> None:
        self.method = method
        self.tail = tail
        self.fold = fold

    def _rounds(self, schema: Schema) -> Rounds:
        fold = _FOLDS[self.method] if self.fold is None else self.fold
        if self.method == "gauss":
            moments = yield Moments.query()
            low, high, spread = moments.mean, moments.mean, moments.std
        elif self.method == "mad":
            low, high = yield from quantiles((0.5, 0.5))
            (spread,) = yield from quantiles((0.5,), lift=partial(_distance, center=low))
            fold /= ndtri(0.75)
        else:
            p = 0.25 if self.method == "iqr" else _tail_of(fold)
            low, high = yield from quantiles((p, 1 - p))
            spread = _distance(high, low)
        with np.errstate(over="ignore"):  # a cap beyond 1.8e308 is infinite
            reach = fold * spread if self.method != "quantile" else 0.0
            lower, upper = low - reach, high + reach
        return {
            "lower_": np.where((spread == 0) | (self.tail == "right"), -np.inf, lower),
            "upper_": np.where((spread == 0) | (self.tail == "left"), np.inf, upper),
        }

    def _map(self, x: Array) -> Array:
        return np.clip(x, self.lower_, self.upper_)


def _distance(x: Array, center: Array) -> Array:
    with np.errstate(over="ignore"):
        return np.abs(x - center)


def _tail_of(fold: float) -> float:
    if fold >= 0.5:
        raise OptionError("Winsor(fold)", expected="a share below 0.5 of the rows in each tail", got=repr(fold))
    return fold
