"""Inverse hyperbolic sine: a logarithm for the tails of both signs that is straight through zero."""

from __future__ import annotations

import numpy as np
from sklearn.utils._param_validation import StrOptions

from renorm.core.card import Card
from renorm.core.fit import Rounds
from renorm.core.rank import quantiles
from renorm.core.state import Array
from renorm.table._base import Schema, TableNormalizer

CARD = Card(
    name="asinh",
    kind="table",
    normalizes="columns",
    statistic="median magnitude",
    axes="over rows, per column",
    paper="doi:10.1080/01621459.1988.10478575",
    fidelity="formula",
    aliases=("inverse_hyperbolic_sine",),
    invertible="approximate",
    mergeable=True,
    rounds="many",
    state="fit",
    laws=("row_permutation", "column_independent", "monotone", "scale_invariant", "weights_are_repetitions"),
    not_laws=("idempotent", "shift_invariant"),
    cost="fit: one selection a column in memory, at most eight counting passes elsewhere; transform: one asinh an entry",
    deviates="the scale is a statistic of the column, where the paper estimates it with the regression that it serves",
    use_when="columns have heavy tails of both signs, or zeros that log would lose",
    avoid_when="columns lie far from 0 compared with their spread (standard, yeo_johnson)",
)


class Asinh(TableNormalizer):
    """y = asinh(x / s), column by column.

    Parameters
    ----------
    scale : {"median_abs", "none"}, default="median_abs"
        What s is: the median magnitude of the values other than 0, so that the unit of the column does not matter
        (renorm's default), or 1 (the plain transformation).

    Attributes
    ----------
    scale_ : ndarray of shape (n_features,)
        s; 1 for a column without a value other than 0.

    Raises
    ------
    DataError
        For infinite values or text, naming column and row.

    Notes
    -----
    Near 0 it is x / s, far out sign(x) ln(2 abs(x) / s), also where the quotient is beyond 1.8e308. The map has no
    offset: the inverse returns x to some 1e-14 of s + abs(x), not of the column's spread. Missing values are left
    out and stay missing.

    References
    ----------
    J. B. Burbidge, L. Magee and A. L. Robb, Alternative transformations to handle extreme values of the dependent
    variable, Journal of the American Statistical Association 83 (1988) 123-127, doi:10.1080/01621459.1988.10478575.

    Examples
    --------
    >>> import numpy as np
    >>> from renorm.table import Asinh
    >>> x = np.array([[-1e6], [-2.0], [0.0], [2.0], [20.0]])
    >>> normalizer = Asinh().fit(x)
    >>> normalizer.scale_
    array([11.])
    >>> normalizer.transform(x).ravel().round(4)
    array([-12.1108,  -0.1808,   0.    ,   0.1808,   1.3592])
    """

    _parameter_constraints = {"scale": [StrOptions({"median_abs", "none"})]}

    def __init__(self, *, scale: str = "median_abs") -> None:
        self.scale = scale

    def _rounds(self, schema: Schema) -> Rounds:
        scale = np.ones(schema.width)
        if self.scale == "median_abs":
            (found,) = yield from quantiles((0.5,), lift=_magnitude)
            scale = np.where(np.isnan(found), scale, found)
        return {"scale_": scale}

    def _map(self, x: Array) -> Array:
        z = x / self.scale_
        y = np.arcsinh(z)
        if np.isinf(z).any():
            far = np.log(np.abs(x)) - np.log(self.scale_) + np.log(2)
            y = np.where(np.isinf(z), np.copysign(far, x), y)
        return y

    def _unmap(self, y: Array) -> Array:
        far = np.exp(np.abs(y) + np.log(self.scale_) - np.log(2))
        return np.where(np.abs(y) > 700, np.copysign(far, y), np.sinh(y) * self.scale_)

    def _log_abs_det(self, x: Array) -> Array:
        most, least = np.maximum(np.abs(x), self.scale_), np.minimum(np.abs(x), self.scale_)
        return -np.log(most) - 0.5 * np.log1p((least / most) ** 2)


def _magnitude(x: Array) -> Array:
    return np.where(x == 0, np.nan, np.abs(x))
