"""Evidence for table.mean_abs_deviation."""

import math
from fractions import Fraction

import numpy as np
import pytest

import renorm
from renorm.core.engine import Shards
from renorm.testing import Case, assert_close, rng

METHOD = "table.mean_abs_deviation"
MERGES = dict.fromkeys(
    ["lognormal sigma 10", "lognormal sigma 50"],
    "values that differ by less than 1e-16 of the mean have one image in float64",
)
OPS = {"y": "merge", "back": "merge", "log_abs_det": "merge"}
MOST = np.finfo(float).max


def cases():
    r = rng("mean_abs_deviation")
    x = np.column_stack([r.normal(5, 3, 23), r.exponential(2, 23) - 7, np.full(23, 0.1), r.normal(size=23) * 1e-9 + 1.5])
    holes = np.where(r.random(x.shape) < 0.2, np.nan, x)
    w = r.integers(0, 5, 23).astype(float)
    far = np.column_stack([r.normal(size=23) + 1e12, r.normal(size=23) * 1e305, r.normal(size=23) * 1e-305])
    edges = np.column_stack([np.repeat([-MOST, 5e300, 6e300], [8, 8, 7]), np.repeat([-5e300, MOST, 0.9 * MOST], [12, 6, 5])])
    new = r.normal(5, 3, (6, 4))
    return [
        Case("plain", x, {}, {"x_new": new}),
        Case("missing", holes),
        Case("weights", holes, {}, {"sample_weight": w, "x_new": new}),
        Case("fractional weights", x, {}, {"sample_weight": r.random(23)}),
        Case("far", far),
        Case("edges", edges),
        Case("median", x, {"center": "median"}, {"x_new": new}),
        Case("median, weights", holes, {"center": "median"}, {"sample_weight": w}),
        Case("median, far", far, {"center": "median"}),
        Case("median, edges", edges, {"center": "median"}),
        Case("float32", x[:, :2].astype(np.float32)),
    ]


def middle(values):
    values = sorted(values)
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2


def oracle(case):
    w = case.extra.get("sample_weight", np.ones(len(case.x)))
    new = case.extra.get("x_new", case.x)
    y, log_det = np.full(new.shape, np.nan), np.zeros(len(new))
    for j in range(case.x.shape[1]):
        pairs = [(Fraction(float(v)), Fraction(float(k))) for v, k in zip(case.x[:, j], w, strict=True) if v == v]
        n = sum(k for _, k in pairs)
        if case.options.get("center", "mean") == "mean":
            center = sum(v * k for v, k in pairs) / n
        else:
            center = middle([v for v, k in pairs for _ in range(int(k))])
        scale = sum(k * abs(v - center) for v, k in pairs) / n or Fraction(1)
        for i, value in enumerate(new[:, j]):
            if value == value:
                y[i, j] = float((Fraction(float(value)) - center) / scale)
                log_det[i] -= math.log(scale.numerator) - math.log(scale.denominator)
    return {"y": y, "back": new, "log_abs_det": log_det}


def test_fitted_attributes_are_in_the_columns_own_units():
    x = rng("mean_abs_deviation units").normal(7, 3, (51, 1))
    for name, center in {"mean": x.mean(), "median": np.median(x)}.items():
        method = renorm.get(METHOD)(center=name).fit(x)
        assert method.exponent_.tolist() == [0]
        assert_close(method.center_, [center], op="reduction")
        assert_close(method.scale_, [np.abs(x - center).mean()], op="reduction")


def test_rounding_noise_is_no_spread():
    x = np.array([[0.1 + 0.2], [0.3], [0.3], [0.3]])
    for center in ("mean", "median"):
        assert renorm.get(METHOD)(center=center).fit(x).scale_.tolist() == [1.0]
    steps = 0.3 + np.array([[0.0], [2.0]]) * np.spacing(0.3)
    assert_close(renorm.get(METHOD)().fit_transform(steps), [[-1.0], [1.0]], op="exact")


def test_the_median_teaches_the_same_on_shards():
    r = rng("mean_abs_deviation shards")
    x, w = r.normal(1e8, 3, (61, 2)), r.integers(0, 4, 61).astype(float)
    whole = renorm.get(METHOD)(center="median").fit(x, sample_weight=w)
    parts = Shards([(x[i : i + 7], w[i : i + 7]) for i in range(0, 61, 7)], seed=3)
    other = renorm.get(METHOD)(center="median").fit_on(parts)
    assert_close(other.center_, whole.center_, op="exact")
    assert_close(other.transform(x), whole.transform(x), op="merge")


def test_an_empty_column_is_refused_at_transform():
    for center in ("mean", "median"):
        method = renorm.get(METHOD)(center=center).fit([[np.nan, 1.0], [np.nan, 2.0]])
        with pytest.raises(ValueError, match="column 0, row 0"):
            method.transform([[1.0, 1.0]])
