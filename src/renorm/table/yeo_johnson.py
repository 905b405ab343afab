"""Yeo-Johnson power transformation: make each column as normal as a power can, at any offset and scale."""

from __future__ import annotations

from functools import partial

import numpy as np

from renorm.core.card import Card
from renorm.core.errors import DataError
from renorm.core.fit import Rounds
from renorm.core.power import PowerGeometry, ends_and_guess, held, most_likely_tilt, psi, psi_inverse
from renorm.core.state import Array
from renorm.core.states import Moments
from renorm.table._base import Schema, TableNormalizer

CARD = Card(
    name="yeo_johnson",
    kind="table",
    normalizes="columns",
    statistic="power by maximum likelihood, then mean and standard deviation",
    axes="over rows, per column",
    paper="doi:10.1093/biomet/87.4.954",
    fidelity="vectors",
    aliases=("power_transformer",),
    invertible="exact",
    mergeable=True,
    rounds="many",
    state="fit",
    laws=("row_permutation", "column_independent", "monotone", "weights_are_repetitions"),
    not_laws=("shift_invariant", "scale_invariant"),
    unclaimed=("idempotent",),
    cost="fit: about 12 passes of one exponential an entry; transform: one logarithm and one exponential an entry",
    deviates="the exponent is kept where the map can be inverted to 1e-7 of the column's spread",
    use_when="columns are skewed, of either sign, and the estimator likes them normal",
    avoid_when="columns have several modes, or ties at one value: no power mends that",
)


class YeoJohnson(TableNormalizer):
    r"""psi(x) = ((1 + x)^lambda - 1) / lambda for x >= 0, -((1 - x)^(2 - lambda) - 1) / (2 - lambda) below, standardized.

    Lambda maximizes the profile likelihood of a normal,
    :math:`-\frac n2 \ln \mathrm{var}\,\psi(x) + (\lambda - 1) \sum \mathrm{sign}(x) \ln(1 + |x|)`.

    Parameters
    ----------
    standardize : bool, default=True
        Give the result mean 0 and standard deviation 1 (scikit-learn's default).

    Attributes
    ----------
    lambdas_ : ndarray of shape (n_features,)
        The power; 1 for a column that is constant or has no value.
    tilts_ : ndarray of shape (n_features,)
        (lambda - 1) times the range of log1p, mirrored for columns below 0: what the fit solves for.
    least_, greatest_ : ndarray of shape (n_features,)
        Ends of the column at fit.
    center_, scale_ : ndarray of shape (n_features,)
        Mean and standard deviation of the power, in the units of `renorm.core.power`.

    Raises
    ------
    DataError
        For infinite values or text, naming column and row; at ``transform``, for a value whose image float64
        cannot hold.

    Notes
    -----
    The likelihood is computed relative to an anchor in the column, so years (2000 +- 10), epoch seconds and
    1e-300 are as good as values about 1, and the standardized result never overflows within the fitted range.
    Lambda is bounded to [-20 / r, 1 + 20 / r], r the range of log1p, for columns of one sign, and alike for
    each side of columns with both: beyond it the inverse would lose more than 1e-7 of the spread. Where the
    optimum lies outside, the bound is taken. Missing values are left out and stay missing.

    References
    ----------
    I.-K. Yeo and R. A. Johnson, A new family of power transformations to improve normality or symmetry,
    Biometrika 87 (2000) 954-959, doi:10.1093/biomet/87.4.954.

    Examples
    --------
    >>> import numpy as np
    >>> from renorm.table import YeoJohnson
    >>> normalizer = YeoJohnson().fit(np.array([[1.0], [2.0], [3.0], [10.0], [100.0]]))
    >>> normalizer.lambdas_.round(4)
    array([-0.5115])
    >>> normalizer.transform([[1.0], [100.0]]).ravel().round(4)
    array([-1.2687,  1.5712])
    """

    _parameter_constraints = {"standardize": ["boolean"]}

    def __init__(self, *, standardize: bool = True) -> None:
        self.standardize = standardize

    def _rounds(self, schema: Schema) -> Rounds:
        ends, guess = yield from ends_and_guess()
        geometry = PowerGeometry(ends.least, ends.greatest)
        tilt = yield from most_likely_tilt(geometry, guess)
        lambdas = geometry.lambdas(tilt)
        for j in np.flatnonzero(~held(geometry, lambdas)) if not self.standardize else ():
            raise DataError(
                "YeoJohnson(standardize=False).fit(X)",
                expected="a power that float64 can hold",
                got=f"lambda {lambdas[j]:.6g} in column {repr(schema.names[j]) if schema.names else j}",
                hint="standardize=True: the standardized power is exact",
            )
        moments = yield Moments.query(lift=partial(geometry.power, tilt=tilt))
        center, scale, _, _ = moments.affine()
        return {
            "lambdas_": lambdas,
            "tilts_": tilt,
            "least_": geometry.least,
            "greatest_": geometry.greatest,
            "center_": center,
            "scale_": scale,
        }

    @property
    def _geometry(self) -> PowerGeometry:
        return PowerGeometry(self.least_, self.greatest_)

    def _map(self, x: Array) -> Array:
        if not self.standardize:
            return psi(x, self.lambdas_)
        g = self._geometry
        return (g.power(x, self.tilts_) - self.center_) / self.scale_

    def _unmap(self, y: Array) -> Array:
        if not self.standardize:
            return psi_inverse(y, self.lambdas_)
        return self._geometry.inverse(y * self.scale_ + self.center_, self.tilts_)

    def _log_abs_det(self, x: Array) -> Array:
        if not self.standardize:
            return (self.lambdas_ - 1) * np.copysign(np.log1p(np.abs(x)), x)
        return self._geometry.log_slope(x, self.tilts_) - np.log(self.scale_)
