"""Evidence for table.min_max."""

import math
from fractions import Fraction

import numpy as np
import pytest
from sklearn.preprocessing import MinMaxScaler

import renorm
from renorm.core.errors import OptionError
from renorm.testing import Case, assert_close, golden, rng

METHOD = "table.min_max"
VECTORS = ["river__MinMaxScaler"]
EQUIVALENT = {
    "return np.clip(y, low, high) if self.clip else y -> return np.clip(low, y, high) if self.clip else y": "clip(x, a, b) is clip(a, x, b)",
}
MOST = np.finfo(float).max


def cases():
    r = rng("min_max")
    x = np.column_stack([r.normal(5, 3, 23), np.round(r.exponential(3, 23)), np.full(23, 0.1), r.standard_cauchy(23)])
    holes = np.where(r.random(x.shape) < 0.2, np.nan, x)
    w = r.integers(0, 5, 23).astype(float)
    far = np.column_stack(
        [
            np.clip(r.normal(size=23), -1, 1) * 1.7e308,
            -r.random(23) * 1.7e308,
            r.normal(size=23) * 1e-300,
            1e12 + r.random(23),
        ]
    )
    edges = np.column_stack([np.repeat([-MOST, 0.0, 5e300], [8, 8, 7]), np.repeat([-5e300, 0.0, MOST], [8, 8, 7])])
    new = r.normal(5, 3, (6, 4))
    return [
        Case("plain", x, {}, {"x_new": new}),
        Case("missing", holes),
        Case("weights", holes, {}, {"sample_weight": w, "x_new": new}),
        Case("far", far),
        Case("edges", edges),
        Case("range", x, {"feature_range": (-1.5, 4)}, {"x_new": new}),
        Case("clip", holes, {"clip": True}, {"x_new": np.vstack([new, [np.nanmin(x, axis=0)], [np.nanmax(x, axis=0)]])}),
        Case("range, clip", x, {"feature_range": [2, 9.5], "clip": True}, {"x_new": new}),
        Case("float32", x[:, :2].astype(np.float32)),
    ]


def oracle(case):
    o = {"feature_range": (0, 1), "clip": False, **case.options}
    first, last = (Fraction(v) for v in o["feature_range"])
    w = case.extra.get("sample_weight", np.ones(len(case.x)))
    new = case.extra.get("x_new", case.x)
    y, back, log_det = np.full(new.shape, np.nan), np.full(new.shape, np.nan), np.zeros(len(new))
    ends = []
    for j in range(case.x.shape[1]):
        values = [Fraction(float(v)) for v, k in zip(case.x[:, j], w, strict=True) if v == v and k > 0]
        low, high = min(values), max(values)
        ends.append((float(low), float(high)))
        slope = (last - first) / (high - low if high > low else 1)
        for i, value in enumerate(new[:, j]):
            if value == value:
                image = first + (Fraction(float(value)) - low) * slope
                inside = low <= Fraction(float(value)) <= high
                if o["clip"]:
                    image = min(max(image, first), last)
                y[i, j], back[i, j] = float(image), float(low + (image - first) / slope)
                if inside or not o["clip"]:
                    log_det[i] += math.log(slope.numerator) - math.log(slope.denominator)
                else:
                    log_det[i] = -math.inf
    low, high = np.array(ends).T
    return {"y": y, "back": back, "log_abs_det": log_det, "data_min_": low, "data_max_": high}


def test_vectors():
    """The peer learns from row after row, and maps each as soon as it has learnt it."""
    for name in VECTORS:
        v = golden(name)
        method = renorm.get(METHOD)()
        y = np.vstack([method.partial_fit(row[None]).transform(row[None]) for row in v["x"]])
        assert_close(y, v["y"], op="vector", what=name)


def test_scikit_learn_agrees():
    for case in cases():
        if case.id not in ("far", "edges"):
            options, new = {**case.options}, case.extra.get("x_new", case.x)
            options["feature_range"] = tuple(options.get("feature_range", (0, 1)))
            peer = MinMaxScaler(**options).fit(case.x)
            got = renorm.get(METHOD)(**options).fit(case.x).transform(new)
            assert_close(got, peer.transform(new), op="vector", dtype=str(new.dtype), what=case.id)


def test_the_ends_are_exact_and_the_range_is_kept():
    x = 1e12 + rng("min_max ends").random((50, 1))
    y = renorm.get(METHOD)().fit_transform(x)
    assert (y.min(), y.max(), len(np.unique(y))) == (0.0, 1.0, len(np.unique(x)))
    clipped = renorm.get(METHOD)(feature_range=(0.1, 0.7), clip=True).fit(x).transform([[0.0], [1e13]])
    assert_close(clipped, [[0.1], [0.7]], op="exact")


def test_an_empty_column_is_refused_at_transform():
    method = renorm.get(METHOD)().fit([[np.nan, 1.0], [np.nan, 2.0]])
    assert np.isnan(method.data_min_[0]) and np.isnan(method.data_max_[0])
    with pytest.raises(ValueError, match="column 0, row 0"):
        method.transform([[1.0, 1.0]])


def test_bad_ranges_are_refused():
    for bad in [(1, 0), (1, 1), (1,), ("a", "b"), (0, 1, 2), (0, np.inf), (-1.7e308, 1.7e308), (0, np.nan), (0, None)]:
        with pytest.raises(OptionError, match="feature_range"):
            renorm.get(METHOD)(feature_range=bad).fit([[1.0], [2.0]])
