"""Standardization: subtract the mean, divide by the standard deviation."""

from __future__ import annotations

import numpy as np

from renorm.core.affine import log_slope, standardize, unstandardize
from renorm.core.card import Card
from renorm.core.fit import Rounds
from renorm.core.state import Array
from renorm.core.states import Moments
from renorm.table._base import Schema, TableNormalizer

CARD = Card(
    name="standard",
    kind="table",
    normalizes="columns",
    statistic="mean, standard deviation",
    axes="over rows, per column",
    paper="",
    fidelity="vectors",
    aliases=("z_score", "standard_scaler"),
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
    cost="fit: one pass in blocks; transform: one subtraction and one division an entry",
    deviates="a spread of at most half the floats' spacing at the mean counts as none; scikit-learn's limit grows with n",
    use_when="columns have different units and no wild outliers; the baseline of every comparison",
    avoid_when="a few extreme values set the standard deviation",
)


class Standard(TableNormalizer):
    r"""z = (x - mean) / std, column by column.

    Parameters
    ----------
    with_mean : bool, default=True
        Subtract the mean (scikit-learn's default).
    with_std : bool, default=True
        Divide by the standard deviation, :math:`\sqrt{\frac1n\sum (x - \bar x)^2}` (scikit-learn's default).

    Attributes
    ----------
    mean_, scale_ : ndarray of shape (n_features,)
        What is subtracted and what divides. ``scale_`` is 1 for a column without spread.
    exponent_ : ndarray of int of shape (n_features,)
        ``mean_`` and ``scale_`` are counted in ``2 ** exponent_``: 0 but for columns beyond 1e301 or below 1e-289.
    residual_ : ndarray of shape (n_features,)
        What one float cannot hold of the mean, subtracted too: it counts where the mean is far from 0.
    var_ : ndarray of shape (n_features,)
        Variance, divided by n; NaN for a column without values.
    n_samples_seen_ : ndarray of shape (n_features,)
        Sum of the weights of the values that were not missing.

    Raises
    ------
    DataError
        For infinite values or text, naming column and row.

    Notes
    -----
    The statistics keep all digits at any offset (epoch seconds, 1e12 + noise) and any scale between 1e-308 and
    1.7e308. A column is constant only where its standard deviation is at most half the spacing of the floats
    at its mean, whatever n; it maps to exactly 0. Missing values are left out and stay missing.

    Examples
    --------
    >>> import numpy as np
    >>> from renorm.table import Standard
    >>> x = np.array([[1.0, 7.0], [2.0, 7.0], [3.0, 7.0]])
    >>> Standard().fit_transform(x).round(4)
    array([[-1.2247,  0.    ],
           [ 0.    ,  0.    ],
           [ 1.2247,  0.    ]])
    """

    _parameter_constraints = {"with_mean": ["boolean"], "with_std": ["boolean"]}

    def __init__(self, *, with_mean: bool = True, with_std: bool = True) -> None:
        self.with_mean = with_mean
        self.with_std = with_std

    def _rounds(self, schema: Schema) -> Rounds:
        moments = yield Moments.query()
        center, scale, exponent, residual = moments.affine()
        return {
            "mean_": center,
            "scale_": scale,
            "exponent_": exponent,
            "residual_": residual,
            "var_": moments.variance,
            "n_samples_seen_": moments.count,
        }

    def _affine(self) -> tuple[Array, Array, Array, Array]:
        center, residual = (self.mean_, self.residual_) if self.with_mean else np.zeros((2, self.n_features_in_))
        scale = self.scale_ if self.with_std else np.ldexp(1.0, -self.exponent_)
        return center, scale, self.exponent_, residual

    def _map(self, x: Array) -> Array:
        return standardize(x, *self._affine())

    def _unmap(self, y: Array) -> Array:
        return unstandardize(y, *self._affine())

    def _log_abs_det(self, x: Array) -> Array:
        _, scale, exponent, _ = self._affine()
        return log_slope(x, scale, exponent)
