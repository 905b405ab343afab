"""The logarithm of 1 + x: counts and amounts that start at 0."""

from __future__ import annotations

import numpy as np

from renorm.core.card import Card
from renorm.core.errors import DataError
from renorm.core.fit import Rounds
from renorm.core.state import Array
from renorm.core.states import Extrema
from renorm.table._base import Schema, TableNormalizer

CARD = Card(
    name="log1p",
    kind="table",
    normalizes="columns",
    statistic="none",
    axes="none",
    paper="",
    fidelity="formula",
    aliases=("log",),
    invertible="approximate",
    mergeable=True,
    rounds="one",
    state="none",
    laws=("row_permutation", "column_independent", "monotone", "weights_are_repetitions"),
    not_laws=("idempotent", "shift_invariant", "scale_invariant"),
    cost="fit: one pass, which only looks for values that have no logarithm; transform: one logarithm an entry",
    deviates="",
    use_when="columns are counts or amounts, and ratios matter more than differences",
    avoid_when="values fall to -1 or below (asinh, yeo_johnson), are far below 1 or lie close together far from 0 (box_cox)",
)


class Log1p(TableNormalizer):
    """y = ln(1 + x), for x > -1.

    Raises
    ------
    DataError
        At ``fit`` for a column with values of -1 or less, at ``transform`` with column and row; for infinite
        values or text.

    Notes
    -----
    Nothing is learnt. The map has no unit and no offset of its own: the inverse returns x to some 1e-14 of
    1 + abs(x), not of the column's spread. Missing values stay missing.

    Examples
    --------
    >>> from renorm.table import Log1p
    >>> Log1p().fit_transform([[0.0, 9.0], [99.0, -0.5]]).round(4)
    array([[ 0.    ,  2.3026],
           [ 4.6052, -0.6931]])
    """

    _positive_only = True

    def _rounds(self, schema: Schema) -> Rounds:
        ends = yield Extrema.query()
        for j in np.flatnonzero(ends.least <= -1):
            column = repr(schema.names[j]) if schema.names else j
            raise _refusal("Log1p.fit(X)", f"Negative values in data: {ends.least[j]} in column {column}")
        return {}

    def _map(self, x: Array) -> Array:
        for row, j in np.argwhere(x <= -1):
            raise _refusal("Log1p.transform(X)", f"{x[row, j]} in {self._column(j)}, row {row}")
        return np.log1p(x)

    def _unmap(self, y: Array) -> Array:
        return np.expm1(y)

    def _log_abs_det(self, x: Array) -> Array:
        return -self._map(x)


def _refusal(who: str, got: str) -> DataError:
    return DataError(who, expected="values above -1", got=got, hint="asinh and yeo_johnson take values of any sign")
