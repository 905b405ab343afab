"""Maximum absolute scaling: divide by the largest magnitude, so that zero stays zero."""

from __future__ import annotations

import numpy as np

from renorm.core.card import Card
from renorm.core.fit import Rounds
from renorm.core.state import Array
from renorm.core.states import Extrema
from renorm.table._base import Schema, TableNormalizer

CARD = Card(
    name="max_abs",
    kind="table",
    normalizes="columns",
    statistic="largest magnitude",
    axes="over rows, per column",
    paper="",
    fidelity="vectors",
    aliases=("max_abs_scaler",),
    invertible="exact",
    mergeable=True,
    rounds="one",
    state="fit",
    laws=("row_permutation", "column_independent", "monotone", "idempotent", "scale_invariant", "weights_are_repetitions"),
    not_laws=("shift_invariant",),
    cost="fit: one pass; transform: one division an entry",
    deviates="",
    use_when="zeros and signs mean something and are to stay, as in counts and differences",
    avoid_when="columns are far from 0 (standard), or one extreme value would squeeze all others together (asinh, robust)",
)


class MaxAbs(TableNormalizer):
    """y = x / max|x|, column by column.

    Parameters
    ----------
    clip : bool, default=False
        Take new values beyond the fitted magnitude to -1 and 1 (scikit-learn's default is not to).

    Attributes
    ----------
    max_abs_ : ndarray of shape (n_features,)
        Largest magnitude; NaN for a column without values.

    Raises
    ------
    DataError
        For infinite values or text, naming column and row.

    Notes
    -----
    A column of zeros stays as it is. Missing values are left out and stay missing.

    Examples
    --------
    >>> import numpy as np
    >>> from renorm.table import MaxAbs
    >>> MaxAbs().fit_transform(np.array([[1.0, 0.0], [-4.0, 0.0], [2.0, 0.0]]))
    array([[ 0.25,  0.  ],
           [-1.  ,  0.  ],
           [ 0.5 ,  0.  ]])
    """

    _parameter_constraints = {"clip": ["boolean"]}

    def __init__(self, *, clip: bool = False) -> None:
        self.clip = clip

    def _rounds(self, schema: Schema) -> Rounds:
        ends = yield Extrema.query()
        return {"max_abs_": np.where(ends.count > 0, np.maximum(-ends.least, ends.greatest), np.nan)}

    @property
    def scale_(self) -> Array:
        """What divides: ``max_abs_``, 1 for a column of zeros."""
        return np.where(self.max_abs_ == 0, 1.0, self.max_abs_)

    def _map(self, x: Array) -> Array:
        y = x / self.scale_
        return np.clip(y, -1, 1) if self.clip else y

    def _unmap(self, y: Array) -> Array:
        return y * self.scale_

    def _log_abs_det(self, x: Array) -> Array:
        out = np.where(np.isnan(x), np.nan, -np.log(self.scale_))
        return np.where((np.abs(x) > self.max_abs_) & self.clip, -np.inf, out)
