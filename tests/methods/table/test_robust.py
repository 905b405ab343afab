"""Evidence for table.robust."""

import math
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

import renorm
from renorm.core.errors import DataError, OptionError
from renorm.testing import Case, assert_close, golden, rng

METHOD = "table.robust"
VECTORS = ["sklearn__RobustScaler"]
OPS = {"y": "merge", "back": "merge", "log_abs_det": "merge"}
MERGES = {
    "lognormal sigma 50": "values below 1e-16 of the range have the same image in float64",
}


def cases():
    r = rng("robust")
    x = np.column_stack([r.normal(5, 3, 23), np.round(r.exponential(3, 23)), np.full(23, 0.1), r.standard_cauchy(23)])
    holes = np.where(r.random(x.shape) < 0.2, np.nan, x)
    w = r.integers(0, 5, 23).astype(float)
    far = np.column_stack(
        [r.normal(size=23) * 1e305, np.clip(r.normal(size=23), -1, 1) * 1.7e308, r.normal(size=23) * 1e-305]
    )
    edges = np.column_stack([np.repeat([-1.7e308, 0.0, 1.7e308], [8, 8, 7]), -np.ceil(10 * r.random(23)) * 5e-324])
    new = r.normal(5, 3, (6, 4))
    return [
        Case("plain", x),
        Case("missing", holes, {}, {"x_new": new}),
        Case("weights", holes, {}, {"sample_weight": w, "x_new": new}),
        Case("far", far),
        Case("edges", edges),
        Case("no centre", x, {"with_centering": False}),
        Case("no scale", x, {"with_scaling": False}),
        Case("no scale, far", far[:, ::2], {"with_scaling": False}),
        Case("no centre, far", far, {"with_centering": False}),
        Case("range", x, {"quantile_range": (10.0, 80.0)}),
        Case("whole range", x, {"quantile_range": (0, 100)}),
        Case("unit variance", x, {"unit_variance": True}),
        Case("unit variance, range", x, {"unit_variance": True, "quantile_range": (5.0, 80.0)}),
    ]


def quantile(values, p):
    """NumPy's definition, in exact arithmetic."""
    values = sorted(values)
    h = (len(values) - 1) * p
    h = float(round(h)) if math.isclose(h, round(h)) else h
    way = Fraction(h - math.floor(h))
    return values[math.floor(h)] * (1 - way) + values[math.ceil(h)] * way


def oracle(case):
    o = {"with_centering": True, "with_scaling": True, "quantile_range": (25, 75), "unit_variance": False, **case.options}
    w = case.extra.get("sample_weight", np.ones(len(case.x)))
    new = case.extra.get("x_new", case.x)
    y, log_det = np.full(new.shape, np.nan), np.zeros(len(new))
    low_p, high_p = (q / 100 for q in o["quantile_range"])
    for j in range(case.x.shape[1]):
        values = [Fraction(float(v)) for v, k in zip(case.x[:, j], w, strict=True) if v == v for _ in range(int(k))]
        center = quantile(values, 0.5) if o["with_centering"] else Fraction(0)
        scale = quantile(values, high_p) - quantile(values, low_p)
        if o["unit_variance"]:
            scale /= Fraction(NormalDist().inv_cdf(high_p) - NormalDist().inv_cdf(low_p))
        if scale == 0 or not o["with_scaling"]:
            scale = Fraction(1)
        for i, value in enumerate(new[:, j]):
            if value == value:
                y[i, j] = float((Fraction(float(value)) - center) / scale)
                log_det[i] -= math.log(scale.numerator) - math.log(scale.denominator)
    return {"y": y, "back": new, "log_abs_det": log_det}


def test_vectors():
    for name in VECTORS:
        v = golden(name)
        config = {k: tuple(u) if isinstance(u, list) else u for k, u in v["meta"]["config"].items() if k != "copy"}
        assert_close(renorm.get(METHOD)(**config).fit(v["x"]).transform(v["x"]), v["y"], op="vector", what=name)


def test_infinite_values_count_by_rank():
    x = np.array([[-np.inf], [1.0], [2.0], [4.0], [np.inf]])
    y = renorm.get(METHOD)().fit_transform(x)
    assert_close(y, [[-np.inf], [-1 / 3], [0.0], [2 / 3], [np.inf]], op="reduction")
    for infinite in (np.inf, -np.inf):
        column = np.array([[infinite, 1.0], [infinite, 2.0], [1.0, 3.0], [2.0, 4.0]])
        with pytest.raises(DataError, match="column 0"):
            renorm.get(METHOD)().fit(column)
        with pytest.raises(DataError, match="column 1"):
            renorm.get(METHOD)().fit(column[:, [1, 0, 0]])
        with pytest.raises(DataError, match="column 'b'"):
            renorm.get(METHOD)().fit(pd.DataFrame(column[:, [1, 0, 0]], columns=["a", "b", "c"]))


def test_bad_ranges_are_refused():
    for bad in [(75, 25), (50, 50), (-1, 50), (50, 101), (25,), ("a", "b"), (1, 2, 3)]:
        with pytest.raises(OptionError, match="quantile_range"):
            renorm.get(METHOD)(quantile_range=bad).fit([[1.0], [2.0]])
