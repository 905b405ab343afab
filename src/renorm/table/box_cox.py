"""Box-Cox power transformation: make each positive column as normal as a power can, at any offset and scale."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.special import boxcox, inv_boxcox

from renorm.core.card import Card
from renorm.core.errors import DataError
from renorm.core.fit import Rounds
from renorm.core.power import PowerGeometry, ends_and_guess, held, most_likely_tilt
from renorm.core.state import Array
from renorm.core.states import Moments
from renorm.table._base import Schema, TableNormalizer

CARD = Card(
    name="box_cox",
    kind="table",
    normalizes="columns",
    statistic="power by maximum likelihood, then mean and standard deviation",
    axes="over rows, per column",
    paper="doi:10.1111/j.2517-6161.1964.tb00553.x",
    fidelity="vectors",
    invertible="exact",
    mergeable=True,
    rounds="many",
    state="fit",
    laws=("row_permutation", "column_independent", "monotone", "scale_invariant", "weights_are_repetitions"),
    not_laws=("shift_invariant",),
    unclaimed=("idempotent",),
    cost="fit: about 12 passes of one exponential an entry; transform: one logarithm and one exponential an entry",
    deviates="the exponent is kept where the map can be inverted to 1e-7 of the column's spread",
    use_when="columns are positive and skewed, and the estimator likes them normal",
    avoid_when="columns have zeros or negative values (yeo_johnson), several modes, or ties at one value",
)


class BoxCox(TableNormalizer):
    r"""psi(x) = (x^lambda - 1) / lambda for x > 0, ln x for lambda = 0, standardized.

    Lambda maximizes the profile likelihood of a normal,
    :math:`-\frac n2 \ln \mathrm{var}\,\psi(x) + (\lambda - 1) \sum \ln x`.

    Parameters
    ----------
    standardize : bool, default=True
        Give the result mean 0 and standard deviation 1 (scikit-learn's default).

    Attributes
    ----------
    lambdas_ : ndarray of shape (n_features,)
        The power; 1 for a column that is constant or has no value.
    tilts_ : ndarray of shape (n_features,)
        (lambda - 1) times the range of the logarithm: what the fit solves for.
    least_, greatest_ : ndarray of shape (n_features,)
        Ends of the column at fit.
    center_, scale_ : ndarray of shape (n_features,)
        Mean and standard deviation of the power, in the units of `renorm.core.power`.

    Raises
    ------
    DataError
        For values that are not positive, infinite values or text, naming the column; at ``transform``, for a
        value whose image float64 cannot hold.

    Notes
    -----
    The likelihood is computed relative to an anchor in the column, so years (2000 +- 10), epoch seconds and
    1e-300 are as good as values about 1, and the standardized result never overflows within the fitted range.
    Lambda is bounded to [-20 / r, 1 + 20 / r], r the range of the logarithm: beyond it the inverse would lose
    more than 1e-7 of the spread. Where the optimum lies outside, the bound is taken. Missing values are left
    out and stay missing.

    References
    ----------
    G. E. P. Box and D. R. Cox, An analysis of transformations, Journal of the Royal Statistical Society B 26
    (1964) 211-252, doi:10.1111/j.2517-6161.1964.tb00553.x.

    Examples
    --------
    >>> import numpy as np
    >>> from renorm.table import BoxCox
    >>> normalizer = BoxCox().fit(np.array([[1.0], [2.0], [3.0], [10.0], [100.0]]))
    >>> normalizer.lambdas_.round(4)
    array([-0.3349])
    >>> normalizer.transform([[1.0], [100.0]]).ravel().round(4)
    array([-1.3546,  1.5412])
    """

    _positive_only = True
    _parameter_constraints = {"standardize": ["boolean"]}

    def __init__(self, *, standardize: bool = True) -> None:
        self.standardize = standardize

    def _rounds(self, schema: Schema) -> Rounds:
        ends, guess = yield from ends_and_guess(0.0)
        for j in np.flatnonzero(ends.least <= 0):
            found = f"{'Negative values in data: ' if ends.least[j] < 0 else ''}{ends.least[j]}"
            raise DataError(
                "BoxCox.fit(X)",
                expected="positive values",
                got=f"{found} in column {repr(schema.names[j]) if schema.names else j}",
                hint="yeo_johnson takes values of any sign",
            )
        geometry = PowerGeometry(ends.least, ends.greatest, 0.0)
        tilt = yield from most_likely_tilt(geometry, guess)
        lambdas = geometry.lambdas(tilt)
        for j in np.flatnonzero(~held(geometry, lambdas)) if not self.standardize else ():
            raise DataError(
                "BoxCox(standardize=False).fit(X)",
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
        return PowerGeometry(self.least_, self.greatest_, 0.0)

    def _map(self, x: Array) -> Array:
        if not self.standardize:
            return boxcox(x, self.lambdas_)
        g = self._geometry
        return (g.power(x, self.tilts_) - self.center_) / self.scale_

    def _unmap(self, y: Array) -> Array:
        if not self.standardize:
            return inv_boxcox(y, self.lambdas_)
        return self._geometry.inverse(y * self.scale_ + self.center_, self.tilts_)

    def _log_abs_det(self, x: Array) -> Array:
        if not self.standardize:
            return (self.lambdas_ - 1) * np.log(x)
        return self._geometry.log_slope(x, self.tilts_) - np.log(self.scale_)
