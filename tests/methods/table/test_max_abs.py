"""Evidence for table.max_abs."""

import math
from fractions import Fraction

import numpy as np
import pytest

import renorm
from renorm.testing import Case, assert_close, golden, rng

METHOD = "table.max_abs"
VECTORS = ["sklearn__MaxAbsScaler", "river__MaxAbsScaler"]
EQUIVALENT = {
    "return np.clip(y, -1, 1) if self.clip else y -> return np.clip(-1, y, 1) if self.clip else y": "clip(x, a, b) is clip(a, x, b)",
}


def cases():
    r = rng("max_abs")
    x = np.column_stack([r.normal(5, 3, 23), -np.round(r.exponential(3, 23)), np.zeros(23), r.standard_cauchy(23)])
    holes = np.where(r.random(x.shape) < 0.2, np.nan, x)
    w = r.integers(0, 5, 23).astype(float)
    far = np.column_stack([np.clip(r.normal(size=23), -1, 1) * 1.7e308, r.normal(size=23) * 1e-300, 1e12 + r.random(23)])
    new = r.normal(5, 3, (6, 4))
    return [
        Case("plain", x, {}, {"x_new": new}),
        Case("missing", holes),
        Case("weights", holes, {}, {"sample_weight": w, "x_new": new}),
        Case("far", far),
        Case("denormal", -np.ceil(10 * r.random((23, 1))) * 5e-324),
        Case("clip", holes, {"clip": True}, {"x_new": np.vstack([np.where(new > 7, np.nan, new), 3 * x[:9], holes])}),
        Case("float32", x[:, :2].astype(np.float32)),
    ]


def oracle(case):
    clip = case.options.get("clip", False)
    w = case.extra.get("sample_weight", np.ones(len(case.x)))
    new = case.extra.get("x_new", case.x)
    y, back, log_det = np.full(new.shape, np.nan), np.full(new.shape, np.nan), np.zeros(len(new))
    largest = []
    for j in range(case.x.shape[1]):
        most = max(abs(Fraction(float(v))) for v, k in zip(case.x[:, j], w, strict=True) if v == v and k > 0)
        largest.append(float(most))
        scale = most or Fraction(1)
        for i, value in enumerate(new[:, j]):
            if value == value:
                image = Fraction(float(value)) / scale
                if clip:
                    image = min(max(image, Fraction(-1)), Fraction(1))
                y[i, j], back[i, j] = float(image), float(image * scale)
                flat = clip and abs(Fraction(float(value))) > most
                log_det[i] = -math.inf if flat else log_det[i] - math.log(scale.numerator) + math.log(scale.denominator)
    return {"y": y, "back": back, "log_abs_det": log_det, "max_abs_": np.array(largest)}


def test_scikit_learns_vectors():
    v = golden(VECTORS[0])
    method = renorm.get(METHOD)().fit(v["x"])
    assert_close(method.scale_, v["state_after.scale"], op="vector")
    assert_close(method.transform(v["x"]), v["y"], op="vector")
    assert_close(method.transform(v["x_test"]), v["y_test"], op="vector")
    assert_close(method.inverse_transform(v["y_test"]), v["inverse"], op="vector")


def test_vectors_of_a_stream():
    """The peer learns from row after row, and maps each as soon as it has learnt it."""
    v = golden(VECTORS[1])
    method = renorm.get(METHOD)()
    y = np.vstack([method.partial_fit(row[None]).transform(row[None]) for row in v["x"]])
    assert_close(y, v["y"], op="vector")


def test_an_empty_column_is_refused_at_transform():
    method = renorm.get(METHOD)().fit([[np.nan, 1.0], [np.nan, 2.0]])
    assert np.isnan(method.max_abs_).tolist() == [True, False]
    with pytest.raises(ValueError, match="column 0, row 0"):
        method.transform([[1.0, 1.0]])
