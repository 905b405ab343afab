"""Identity: the columns as they are."""

from __future__ import annotations

import numpy as np

from renorm.core.card import Card
from renorm.core.fit import Rounds
from renorm.core.state import Array
from renorm.table._base import Schema, TableNormalizer

CARD = Card(
    name="identity",
    kind="table",
    normalizes="columns",
    statistic="none",
    axes="none",
    paper="",
    fidelity="formula",
    aliases=("none", "passthrough"),
    invertible="exact",
    mergeable=True,
    rounds="none",
    state="none",
    laws=("row_permutation", "column_independent", "monotone", "idempotent", "weights_are_repetitions"),
    not_laws=("shift_invariant", "scale_invariant"),
    cost="one copy",
    use_when="you want to know whether normalizing helps at all: it is in every comparison",
    avoid_when="the estimator measures distances and the columns have different units",
)


class Identity(TableNormalizer):
    """y = x: the control of every comparison.

    Attributes
    ----------
    n_features_in_ : int
        Columns seen by ``fit``.

    Examples
    --------
    >>> from renorm.table import Identity
    >>> Identity().fit_transform([[1.0, 20.0], [3.0, 10.0]])
    array([[ 1., 20.],
           [ 3., 10.]])
    """

    _accepts_inf = True

    def _rounds(self, schema: Schema) -> Rounds:
        yield from ()  # asks nothing
        return {}

    def _map(self, x: Array) -> Array:
        return x.copy()

    def _unmap(self, y: Array) -> Array:
        return y.copy()

    def _log_abs_det(self, x: Array) -> Array:
        return np.zeros_like(x)
