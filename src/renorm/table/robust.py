"""Robust scaling: subtract the median, divide by an interquantile range."""

from __future__ import annotations

from numbers import Real

import numpy as np
from scipy.special import ndtri

from renorm.core.affine import log_slope, standardize, unit_exponent, unstandardize
from renorm.core.card import Card
from renorm.core.errors import DataError, OptionError
from renorm.core.fit import Rounds
from renorm.core.rank import quantiles
from renorm.core.state import Array
from renorm.table._base import Schema, TableNormalizer

CARD = Card(
    name="robust",
    kind="table",
    normalizes="columns",
    statistic="median, interquantile range",
    axes="over rows, per column",
    paper="",
    fidelity="vectors",
    aliases=("robust_scaler",),
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
    cost="fit: one selection a column in memory, at most eight counting passes elsewhere; transform: as standard",
    deviates="",
    use_when="a few extreme values would set the standard deviation; infinite values are allowed",
    avoid_when="more than half of a column is one value: the range is then 0 and the column is only centred",
)


class Robust(TableNormalizer):
    """z = (x - median) / (upper quantile - lower quantile), column by column.

    Parameters
    ----------
    with_centering : bool, default=True
        Subtract the median (scikit-learn's default).
    with_scaling : bool, default=True
        Divide by the range between the quantiles (scikit-learn's default).
    quantile_range : tuple of two floats, default=(25.0, 75.0)
        Percentages of the lower and the upper quantile (scikit-learn's default).
    unit_variance : bool, default=False
        Scale so that a normal column gets variance 1 (scikit-learn's default is not to).

    Attributes
    ----------
    center_, scale_ : ndarray of shape (n_features,)
        Median, and the range; 1 where the range is 0.
    exponent_ : ndarray of int of shape (n_features,)
        Both are counted in ``2 ** exponent_``: 0 but for columns beyond 1e301 or below 1e-289.

    Raises
    ------
    OptionError
        Where ``quantile_range`` is not two rising percentages.
    DataError
        Where a quantile of the range is infinite, naming the column.

    Notes
    -----
    The quantiles are order statistics, interpolated linearly, and the same bits on every engine. Infinite
    values count by their rank; they stay infinite.

    Examples
    --------
    >>> import numpy as np
    >>> from renorm.table import Robust
    >>> Robust().fit_transform(np.array([[1.0], [2.0], [3.0], [4.0], [1000.0]])).ravel()
    array([ -1. ,  -0.5,   0. ,   0.5, 498.5])
    """

    _accepts_inf = True
    _parameter_constraints = {
        "with_centering": ["boolean"],
        "with_scaling": ["boolean"],
        "quantile_range": [tuple, list],
        "unit_variance": ["boolean"],
    }

    def __init__(
        self,
        *,
        with_centering: bool = True,
        with_scaling: bool = True,
        quantile_range: tuple[float, float] = (25.0, 75.0),
        unit_variance: bool = False,
    ) -> None:
        self.with_centering = with_centering
        self.with_scaling = with_scaling
        self.quantile_range = quantile_range
        self.unit_variance = unit_variance

    def _rounds(self, schema: Schema) -> Rounds:
        low, high = _percentages(self.quantile_range)
        found = yield from quantiles((low, 0.5, high))
        far = np.flatnonzero(np.isinf(found).any(axis=0))
        if len(far):
            name = schema.names[far[0]] if schema.names else int(far[0])
            got = f"an infinite one in column {name!r}"
            raise DataError("Robust.fit(X)", expected="finite quantiles", got=got, hint="narrow quantile_range")
        exponent = unit_exponent(np.abs(found).max(axis=0))
        lower, median, upper = np.ldexp(found, -exponent)
        width = ndtri(high) - ndtri(low) if self.unit_variance else 1.0
        scale = (upper - lower) / width
        return {"center_": median, "scale_": np.where(scale > 0, scale, 1.0), "exponent_": exponent}

    def _affine(self) -> tuple[Array, Array, Array]:
        center = self.center_ if self.with_centering else np.zeros_like(self.center_)
        scale = self.scale_ if self.with_scaling else np.ldexp(1.0, -self.exponent_)
        return center, scale, self.exponent_

    def _map(self, x: Array) -> Array:
        return standardize(x, *self._affine())

    def _unmap(self, y: Array) -> Array:
        return unstandardize(y, *self._affine())

    def _log_abs_det(self, x: Array) -> Array:
        _, scale, exponent = self._affine()
        return log_slope(x, scale, exponent)


def _percentages(quantile_range: tuple[float, float]) -> tuple[float, float]:
    low, high = quantile_range if len(quantile_range) == 2 else (None, None)
    if not (isinstance(low, Real) and isinstance(high, Real) and 0 <= low < high <= 100):
        raise OptionError("Robust(quantile_range)", expected="two rising percentages in [0, 100]", got=repr(quantile_range))
    return low / 100, high / 100
