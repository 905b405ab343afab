"""Min-max scaling: the smallest value to the lower end of a range, the largest to the upper."""

from __future__ import annotations

from numbers import Real

import numpy as np

from renorm.core.affine import log_slope, standardize, unit_exponent, unstandardize
from renorm.core.card import Card
from renorm.core.errors import OptionError
from renorm.core.fit import Rounds
from renorm.core.state import Array
from renorm.core.states import Extrema
from renorm.table._base import Schema, TableNormalizer

CARD = Card(
    name="min_max",
    kind="table",
    normalizes="columns",
    statistic="least and greatest value",
    axes="over rows, per column",
    paper="",
    fidelity="vectors",
    aliases=("min_max_scaler",),
    invertible="exact",
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
    cost="fit: one pass; transform: one subtraction, one division, one product and one sum an entry",
    deviates="the least value is subtracted first: far from 0, scikit-learn's x * scale + min loses digits",
    use_when="an estimator wants values in a fixed range, and the columns have natural ends",
    avoid_when="one extreme value would squeeze all others together (robust, soft_z)",
)


class MinMax(TableNormalizer):
    """y = low + (x - min) / (max - min) * (high - low), column by column.

    Parameters
    ----------
    feature_range : tuple of two floats, default=(0, 1)
        Low and high: where the least and the greatest value go (scikit-learn's default).
    clip : bool, default=False
        Take new values beyond the fitted ends to the ends of the range (scikit-learn's default is not to).

    Attributes
    ----------
    data_min_, data_max_ : ndarray of shape (n_features,)
        Least and greatest value; NaN for a column without values.

    Raises
    ------
    OptionError
        Where ``feature_range`` is not two rising numbers.
    DataError
        For infinite values or text, naming column and row.

    Notes
    -----
    A constant column goes to the low end, with unit slope. Columns wider than 1.8e308, denormal ones and ones
    far from 0 keep all digits. Missing values are left out and stay missing.

    Examples
    --------
    >>> import numpy as np
    >>> from renorm.table import MinMax
    >>> x = np.array([[1.0, 7.0], [2.0, 7.0], [5.0, 7.0]])
    >>> MinMax().fit_transform(x)
    array([[0.  , 0.  ],
           [0.25, 0.  ],
           [1.  , 0.  ]])
    >>> MinMax(feature_range=(-1, 1), clip=True).fit(x).transform([[2.0, 7.0], [9.0, 7.0]])
    array([[-0.5, -1. ],
           [ 1. , -1. ]])
    """

    _parameter_constraints = {"feature_range": [tuple, list], "clip": ["boolean"]}

    def __init__(self, *, feature_range: tuple[float, float] = (0, 1), clip: bool = False) -> None:
        self.feature_range = feature_range
        self.clip = clip

    def _rounds(self, schema: Schema) -> Rounds:
        _refuse_no_range(self.feature_range)
        ends = yield Extrema.query()
        seen = ends.count > 0
        return {"data_min_": np.where(seen, ends.least, np.nan), "data_max_": np.where(seen, ends.greatest, np.nan)}

    def _affine(self) -> tuple[Array, Array, Array]:
        exponent = unit_exponent(np.maximum(np.abs(self.data_min_), self.data_max_))
        low, high = np.ldexp(self.data_min_, -exponent), np.ldexp(self.data_max_, -exponent)
        return low, np.where(high > low, high - low, 1.0), exponent

    def _map(self, x: Array) -> Array:
        low, high = self.feature_range
        y = standardize(x, *self._affine())
        y *= high - low
        y += low
        return np.clip(y, low, high) if self.clip else y

    def _unmap(self, y: Array) -> Array:
        low, high = self.feature_range
        return unstandardize((y - low) / (high - low), *self._affine())

    def _log_abs_det(self, x: Array) -> Array:
        low, high = self.feature_range
        _, scale, exponent = self._affine()
        out = log_slope(x, scale, exponent) + np.log(high - low)
        outside = (x < self.data_min_) | (x > self.data_max_)
        return np.where(outside & self.clip, -np.inf, out)


def _refuse_no_range(feature_range: tuple[float, float]) -> None:
    low, high = feature_range if len(feature_range) == 2 else (None, None)
    if not (isinstance(low, Real) and isinstance(high, Real) and 0 < high - low < np.inf):
        got = repr(feature_range)
        raise OptionError("MinMax(feature_range)", expected="two rising numbers, less than 1.8e308 apart", got=got)
