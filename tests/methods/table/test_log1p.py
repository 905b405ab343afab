"""Evidence for table.log1p."""

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.utils import get_tags

import renorm
from renorm.core.errors import DataError
from renorm.testing import Case, assert_close, rng

METHOD = "table.log1p"
DOMAIN = "positive"
EQUIVALENT = {"return {} -> return": "the engine takes no answer for an empty one"}
REFUSES = dict.fromkeys(
    ["N 1e300", "clip(N) 1.7e308", "cauchy", "negative"], "some values are -1 or less: they have no logarithm"
)
MERGES = dict.fromkeys(
    [
        "1e8 + 1e-6 N",
        "1e12 + N",
        "1e16 + 2 int",
        "1e8 + 1e-2 N",
        "epoch seconds",
    ],
    "the logarithms differ by less than float64 can hold",
)


def cases():
    r = rng("log1p")
    x = np.column_stack([r.exponential(3, 17), r.random(17) - 0.99, r.lognormal(0, 9, 17), r.random(17) * 1e-12])
    holes = np.where(r.random(x.shape) < 0.2, np.nan, x)
    far = np.column_stack([r.random(17) * 1.7e308, r.normal(size=17) * 1e-300, np.r_[-0.0, r.normal(size=16) * 5e-322]])
    return [
        Case("plain", x, {}, {"x_new": r.exponential(2, (5, 4))}),
        Case("missing", holes),
        Case("far", far),
        Case("float32", x[:, :2].astype(np.float32)),
    ]


def oracle(case):
    x = case.extra.get("x_new", case.x)
    y = np.array([[math.log1p(v) for v in row] for row in x])
    out = {"y": y, "log_abs_det": np.array([-sum(v for v in row if v == v) for row in y])}
    return out if case.id in ("far", "float32") else {**out, "back": x}


def test_the_inverse_is_right_to_one_plus_x():
    y = np.array([[1e-300, -30.0, 0.3, 700.0]])
    want = [[math.expm1(v) for v in y[0]]]
    got = renorm.get(METHOD)().fit([[1.0] * 4]).inverse_transform(y)
    assert_close(got / np.abs(want), np.sign(want), op="reduction")


def test_scikit_learn_is_told_of_the_domain():
    assert get_tags(renorm.get(METHOD)()).input_tags.positive_only


def test_what_has_no_logarithm_is_refused_by_name():
    x = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, -1.0], [1.0, -3.0, -5.0]])
    named = pd.DataFrame(x, columns=["a", "b", "c"])
    cls = renorm.get(METHOD)
    with pytest.raises(DataError, match=r"-3\.0 in column 1"):
        cls().fit(x)
    with pytest.raises(DataError, match=r"-5\.0 in column 'c'"):
        cls().fit(named[["a", "c"]])
    with pytest.raises(DataError, match=r"-1\.0 in column 0"):
        cls().fit(x[:2, [2]])
    method = cls().fit(named[:1])
    for use in (method.transform, method.log_abs_det):
        with pytest.raises(DataError, match=r"-1\.0 in column 'c', row 1"):
            use(named)
        with pytest.raises(DataError, match=r"-3\.0 in column 'b', row 1"):
            use(named[1:].assign(c=0.0))
    just_above = np.array([[np.nextafter(-1.0, 0.0)]])
    assert_close(cls().fit_transform(just_above), [[math.log1p(just_above[0, 0])]], op="elementwise")
