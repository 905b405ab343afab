"""Soft z-scores: robust scaling, then a smooth clip that keeps the order of the outliers."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from renorm.core.affine import log_slope, standardize, unit_exponent, unstandardize
from renorm.core.card import Card
from renorm.core.fit import Rounds
from renorm.core.rank import quantiles
from renorm.core.state import Array
from renorm.core.states import Extrema
from renorm.table._base import Schema, TableNormalizer

CARD = Card(
    name="soft_z",
    kind="table",
    normalizes="columns",
    statistic="median, interquartile range",
    axes="over rows, per column",
    paper="arXiv:2407.04491",
    fidelity="formula",
    aliases=("robust_smooth_clip", "squashing"),
    invertible="approximate",
    mergeable=True,
    rounds="many",
    state="fit",
    laws=(
        "row_permutation",
        "column_independent",
        "monotone",
        "shift_invariant",
        "scale_invariant",
        "weights_are_repetitions",
    ),
    not_laws=("idempotent",),
    cost="fit: one selection a column in memory, at most nine passes elsewhere; transform: three divisions, one root",
    deviates="",
    use_when="a network or a kernel takes the columns and a few values are far out",
    avoid_when="distances among the outliers carry the signal (robust, asinh)",
)


class SoftZ(TableNormalizer):
    r"""y = z / sqrt(1 + (z / b)^2) with z = (x - median) / s, column by column.

    :math:`s = q_{3/4} - q_{1/4}`; where that is 0, :math:`s = (\max - \min) / 2`; where that is 0 too, y = 0.

    Parameters
    ----------
    bound : float, default=3.0
        b: no image is farther from 0 (the paper's default).

    Attributes
    ----------
    center_, scale_ : ndarray of shape (n_features,)
        Median, and s; infinite for a constant column, whose image is 0 whatever comes.
    exponent_ : ndarray of int of shape (n_features,)
        Both are counted in ``2 ** exponent_``: 0 but for columns beyond 1e301 or below 1e-289.

    Raises
    ------
    DataError
        For infinite values or text, naming column and row; at ``inverse_transform`` for values of the bound or more.

    Notes
    -----
    Beyond some 1e8 bounds all values have the bound itself as their image in float64, which has no inverse. The
    quantiles are order statistics, interpolated linearly, and the same bits on every engine. Missing values are
    left out and stay missing.

    References
    ----------
    D. Holzmüller, L. Grinsztajn and I. Steinwart, Better by default: strong pre-tuned MLPs and boosted trees on
    tabular data, NeurIPS 2024, arXiv:2407.04491.

    Examples
    --------
    >>> import numpy as np
    >>> from renorm.table import SoftZ
    >>> SoftZ().fit_transform(np.array([[1.0], [2.0], [3.0], [4.0], [1000.0]])).ravel().round(4)
    array([-0.9487, -0.4932,  0.    ,  0.4932,  2.9999])
    """

    _parameter_constraints = {"bound": [Interval(Real, 0, None, closed="neither")]}

    def __init__(self, *, bound: float = 3.0) -> None:
        self.bound = bound

    def _rounds(self, schema: Schema) -> Rounds:
        ends = yield Extrema.query()
        lower, median, upper = yield from quantiles((0.25, 0.5, 0.75))
        flat = lower == upper
        low, high = np.where(flat, ends.least, lower), np.where(flat, ends.greatest, upper)
        exponent = unit_exponent(np.maximum(np.abs(low), high))
        spread = np.ldexp(high, -exponent) - np.ldexp(low, -exponent)
        scale = np.where(flat, 0.5 * spread, spread)
        return {
            "center_": np.ldexp(median, -exponent),
            "scale_": np.where(scale == 0, np.inf, scale),
            "exponent_": exponent,
        }

    def _z(self, x: Array) -> Array:
        return standardize(x, self.center_, self.scale_, self.exponent_)

    def _map(self, x: Array) -> Array:
        z = self._z(x)
        # rises through every rounding, and cannot overflow
        return np.copysign(self.bound / np.hypot(1, self.bound / z), z)

    def _unmap(self, y: Array) -> Array:
        share = y / self.bound
        z = y / np.sqrt((1 - share) * (1 + share))
        return unstandardize(z, self.center_, np.where(np.isinf(self.scale_), 0.0, self.scale_), self.exponent_)

    def _log_abs_det(self, x: Array) -> Array:
        return log_slope(x, self.scale_, self.exponent_) - 3 * np.log(np.hypot(1, self._z(x) / self.bound))
