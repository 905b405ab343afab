"""Evidence for table.soft_z."""

import math

import mpmath
import numpy as np
import pytest

import renorm
from renorm.core.engine import Shards
from renorm.testing import Case, assert_close, rng

METHOD = "table.soft_z"
MERGES = {"lognormal sigma 50": "beyond some 1e8 bounds the clip is flat in float64"}
EQUIVALENT = {
    "return np.copysign(self.bound / np.hypot(1, self.bound / z), z) -> return np.copysign(self.bound / np.hypot(-1, self.bound / z), z)": "signs do not count in hypot",
    "return log_slope(x, self.scale_, self.exponent_) - 3 * np.log(np.hypot(1, self._z(x) / self.bound)) -> return log_slope(x, self.scale_, self.exponent_) - 3 * np.log(np.hypot(-1, self._z(x) / self.bound))": "signs do not count in hypot",
}
MOST = np.finfo(float).max


def cases():
    r = rng("soft_z")
    mostly = np.r_[np.full(19, 2.5), r.normal(size=4)]
    x = np.column_stack([r.normal(5, 3, 23), r.standard_cauchy(23), mostly, np.full(23, -0.1)])
    holes = np.where(r.random(x.shape) < 0.2, np.nan, x)
    w = r.integers(0, 5, 23).astype(float)
    far = np.column_stack(  # 25 rows: the quartiles are values
        [r.normal(size=25) * 1e305, r.normal(size=25) * 1e-305, 1e12 + r.normal(size=25), r.lognormal(0, 3, 25)]
    )
    edges = np.column_stack(
        [
            np.repeat([-MOST, 5e300, 6e300], [8, 8, 7]),
            np.repeat([-5e300, MOST], [7, 16]),
            np.repeat([-MOST, 1.0, 5e300], [1, 20, 2]),
        ]
    )
    new = r.normal(5, 3, (6, 4))
    return [
        Case("plain", x, {}, {"x_new": new}),
        Case("missing", holes),
        Case("weights", holes, {}, {"sample_weight": w, "x_new": new}),
        Case("far", far),
        Case("edges", edges),
        Case("bound", x, {"bound": 0.7}, {"x_new": new}),
        Case("float32", x[:, :2].astype(np.float32)),
    ]


def quantile(values, p):
    values = sorted(values)
    h = (len(values) - 1) * p
    way = mpmath.mpf(h - math.floor(h))
    return values[math.floor(h)] * (1 - way) + values[math.ceil(h)] * way


def oracle(case):
    bound = mpmath.mpf(case.options.get("bound", 3.0))
    w = case.extra.get("sample_weight", np.ones(len(case.x)))
    new = case.extra.get("x_new", case.x)
    y, log_det = np.full(new.shape, np.nan), np.zeros(len(new))
    for j in range(new.shape[1]):
        values = [mpmath.mpf(float(v)) for v, k in zip(case.x[:, j], w, strict=True) if v == v for _ in range(int(k))]
        with mpmath.workdps(50):
            median, scale = quantile(values, 0.5), quantile(values, 0.75) - quantile(values, 0.25)
            if scale == 0:
                scale = (max(values) - min(values)) / 2
            for i, value in enumerate(new[:, j].tolist()):
                if value == value and scale == 0:
                    y[i, j], log_det[i] = 0.0, -math.inf
                elif value == value:
                    z = (mpmath.mpf(value) - median) / scale
                    root = mpmath.sqrt(1 + (z / bound) ** 2)
                    y[i, j] = float(z / root)
                    log_det[i] -= float(mpmath.log(scale) + 3 * mpmath.log(root))
    return {"y": y, "log_abs_det": log_det}


def test_far_values_go_to_the_bound():
    r = rng("soft_z far")
    x = np.column_stack([np.r_[r.normal(size=20), MOST, -MOST, 1e200], r.lognormal(0, 50, 23)])
    case = Case("far", x, {"bound": 2.5}, {"x_new": np.vstack([x, [[1e9, MOST]], [[-1e20, -MOST]], [[0.0, 5e-324]]])})
    y = renorm.get(METHOD)(bound=2.5).fit(x).transform(case.extra["x_new"])
    assert_close(y, oracle(case)["y"], op="reduction")
    assert (np.abs(y) <= 2.5).all() and (np.abs(y) == 2.5).sum() > 5


def test_the_order_of_the_outliers_is_kept():
    x = np.sort(np.exp(rng("soft_z order").uniform(0, 60, (4000, 1))), axis=0)
    method = renorm.get(METHOD)(bound=1.3).fit(np.linspace(-1, 1, 31)[:, None])
    y = method.transform(np.vstack([x, np.nextafter(x, np.inf)]))
    assert (np.diff(y[:4000, 0]) >= 0).all() and (y[4000:] >= y[:4000]).all() and y.max() == 1.3
    assert_close(method.transform(-x), -y[:4000], op="root")


def test_the_inverse():
    r = rng("soft_z inverse")
    x = np.column_stack([r.standard_t(2, 61), r.normal(size=61) * 1e305, np.full(61, 7.0), np.r_[np.ones(57), r.random(4)]])
    for bound in (3.0, 1.7):
        method = renorm.get(METHOD)(bound=bound).fit(x)
        assert_close(method.inverse_transform(method.transform(x)) / x[0], x / x[0], op="root")
        for beyond in ([[bound] * 4], [[0, -bound, 0, 0]], [[1.01 * bound, 0, 0, 0]]):
            with pytest.raises(ValueError, match="column"):
                method.inverse_transform(beyond)


def test_a_constant_column_stays_constant():
    method = renorm.get(METHOD)().fit([[4.0], [4.0]])
    assert method.scale_.tolist() == [np.inf]
    assert_close(method.transform([[4.0], [9.0], [-1e300]]), [[0.0], [0.0], [0.0]], op="exact")
    assert_close(method.inverse_transform([[0.0], [1.0]]), [[4.0], [4.0]], op="exact")


def test_the_statistics_are_the_same_on_shards():
    r = rng("soft_z shards")
    x, w = np.column_stack([r.normal(size=61), np.r_[np.zeros(55), r.normal(size=6)]]), r.integers(0, 4, 61).astype(float)
    whole = renorm.get(METHOD)().fit(x, sample_weight=w)
    other = renorm.get(METHOD)().fit_on(Shards([(x[i : i + 7], w[i : i + 7]) for i in range(0, 61, 7)], seed=1))
    assert_close(other.transform(x), whole.transform(x), op="exact")


def test_an_empty_column_is_refused_at_transform():
    method = renorm.get(METHOD)().fit([[np.nan, 1.0], [np.nan, 2.0]])
    with pytest.raises(ValueError, match="column 0, row 0"):
        method.transform([[1.0, 1.0]])
