"""Mean absolute deviation scaling: subtract the centre, divide by the mean distance from it."""

from __future__ import annotations

from functools import partial

import numpy as np
from sklearn.utils._param_validation import StrOptions

from renorm.core.affine import log_slope, standardize, unit_exponent, unstandardize
from renorm.core.card import Card
from renorm.core.fit import Rounds
from renorm.core.rank import quantiles
from renorm.core.state import Array
from renorm.core.states import Moments
from renorm.table._base import Schema, TableNormalizer

CARD = Card(
    name="mean_abs_deviation",
    kind="table",
    normalizes="columns",
    statistic="mean or median, mean absolute deviation from it",
    axes="over rows, per column",
    paper="doi:10.1002/9780470316801",
    fidelity="formula",
    invertible="exact",
    mergeable=True,
    rounds="many",
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
    cost="fit: two passes (with the median one selection a column, or at most nine passes); transform: as standard",
    deviates="",
    use_when="outliers are to weigh in the scale once, not squared: between standard and robust",
    avoid_when="outliers are many or far (robust, soft_z)",
)


class MeanAbsDeviation(TableNormalizer):
    r"""z = (x - m) / s with :math:`s = \frac1n \sum |x - m|`, m the mean or the median, column by column.

    Parameters
    ----------
    center : {"mean", "median"}, default="mean"
        What m is (Kaufman and Rousseeuw's default).

    Attributes
    ----------
    center_, scale_ : ndarray of shape (n_features,)
        What is subtracted and what divides. ``scale_`` is 1 for a column without spread.
    exponent_ : ndarray of int of shape (n_features,)
        Both are counted in ``2 ** exponent_``: 0 but for columns beyond 1e301 or below 1e-289.
    residual_ : ndarray of shape (n_features,)
        What one float cannot hold of the mean, subtracted too; 0 for the median.

    Raises
    ------
    DataError
        For infinite values or text, naming column and row.

    Notes
    -----
    A column is constant where s is at most half the spacing of the floats at m; it maps to 0. Missing values
    are left out and stay missing.

    References
    ----------
    L. Kaufman and P. J. Rousseeuw, Finding Groups in Data: An Introduction to Cluster Analysis, Wiley 1990,
    chapter 1, doi:10.1002/9780470316801.

    Examples
    --------
    >>> import numpy as np
    >>> from renorm.table import MeanAbsDeviation
    >>> x = np.array([[1.0], [2.0], [3.0], [10.0]])
    >>> MeanAbsDeviation().fit_transform(x).ravel().round(4)
    array([-1.    , -0.6667, -0.3333,  2.    ])
    >>> MeanAbsDeviation(center="median").fit(x).scale_
    array([2.5])
    """

    _parameter_constraints = {"center": [StrOptions({"mean", "median"})]}

    def __init__(self, *, center: str = "mean") -> None:
        self.center = center

    def _rounds(self, schema: Schema) -> Rounds:
        if self.center == "mean":
            moments = yield Moments.query()
            center, _, exponent, residual = moments.affine()
        else:
            found = yield from quantiles((0.0, 0.5, 1.0))
            exponent = unit_exponent(np.abs(found).max(axis=0))
            center, residual = np.ldexp(found[1], -exponent), np.zeros(schema.width)
        lift = partial(_distance, center=center, exponent=exponent, residual=residual)
        deviation = yield Moments.query(lift=lift)
        scale = deviation.mean
        spread = scale > 0.5 * np.spacing(np.abs(center))
        return {
            "center_": center,
            "scale_": np.where(spread, scale, 1.0),
            "exponent_": exponent,
            "residual_": residual,
        }

    def _map(self, x: Array) -> Array:
        return standardize(x, self.center_, self.scale_, self.exponent_, self.residual_)

    def _unmap(self, y: Array) -> Array:
        return unstandardize(y, self.center_, self.scale_, self.exponent_, self.residual_)

    def _log_abs_det(self, x: Array) -> Array:
        return log_slope(x, self.scale_, self.exponent_)


def _distance(x: Array, center: Array, exponent: Array, residual: Array) -> Array:
    return np.abs(standardize(x, center, np.ones(1), exponent, residual))
