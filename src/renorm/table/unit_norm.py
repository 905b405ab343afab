"""Unit norm: every row divided by its length."""

from __future__ import annotations

import numpy as np
from sklearn.utils._param_validation import StrOptions

from renorm.core.card import Card
from renorm.core.fit import Rounds
from renorm.core.state import Array
from renorm.table._base import Schema, TableNormalizer

CARD = Card(
    name="unit_norm",
    kind="table",
    normalizes="rows",
    statistic="norm of the row",
    axes="over columns, per row",
    paper="",
    fidelity="vectors",
    aliases=("normalizer", "l2_rows"),
    invertible="no",
    mergeable=True,
    rounds="none",
    state="none",
    laws=("row_permutation", "idempotent", "weights_are_repetitions"),
    not_laws=("column_independent", "monotone", "shift_invariant", "scale_invariant"),
    cost="transform: two passes over each row",
    deviates="missing values are left out of the norm; scikit-learn's refuses them",
    use_when="only the direction of a row counts, as with counts of words or embeddings under the cosine",
    avoid_when="columns have different units: the largest decides alone (standard)",
)


class UnitNorm(TableNormalizer):
    """y = x / |x|, row by row.

    Parameters
    ----------
    norm : {"l2", "l1", "max"}, default="l2"
        Root of the sum of squares, sum of magnitudes, or largest magnitude (scikit-learn's default).

    Raises
    ------
    DataError
        For infinite values or text, naming column and row.

    Notes
    -----
    Nothing is learnt. Rows of zeros stay as they are. Rows are scaled by their largest magnitude first, so that no
    square over- or underflows. Missing values stay missing, and the others are as if they were all.

    Examples
    --------
    >>> from renorm.table import UnitNorm
    >>> UnitNorm().fit_transform([[3.0, -4.0], [0.0, 0.0], [1e300, 0.0]])
    array([[ 0.6, -0.8],
           [ 0. ,  0. ],
           [ 1. ,  0. ]])
    >>> UnitNorm(norm="l1").fit_transform([[3.0, -1.0]])
    array([[ 0.75, -0.25]])
    """

    _parameter_constraints = {"norm": [StrOptions({"l1", "l2", "max"})]}

    def __init__(self, *, norm: str = "l2") -> None:
        self.norm = norm

    def _rounds(self, schema: Schema) -> Rounds:
        yield from ()  # asks nothing
        return {}

    def _map(self, x: Array) -> Array:
        largest = np.fmax.reduce(np.abs(x), axis=1, keepdims=True, initial=0.0)
        x = np.where(largest > 0, x / largest, x)
        if self.norm == "max":
            return x
        length = np.nansum(np.abs(x), axis=1, keepdims=True)
        if self.norm == "l2":
            length = np.sqrt(np.nansum(x * x, axis=1, keepdims=True))
        return x / np.maximum(length, 1.0)  # one of its entries is 1, unless all are 0
