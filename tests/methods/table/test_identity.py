"""Evidence for table.identity."""

import numpy as np

import renorm
from renorm.testing import Case, assert_close, rng

METHOD = "table.identity"
EQUIVALENT = {"return {} -> return": "the engine takes no answer for an empty one"}


def cases():
    r = rng("identity")
    x = r.normal(size=(7, 3))
    with_inf = np.array([[np.inf, -1.5], [2.5, np.nan], [-np.inf, 0.0]])
    return [Case("plain", x), Case("new rows", x, {}, {"x_new": r.normal(size=(4, 3))}), Case("infinite", with_inf)]


def oracle(case):
    x = case.extra.get("x_new", case.x)
    return {"y": x, "back": x, "log_abs_det": np.array([0.0 for _ in x])}


def test_nothing_is_shared():
    x = rng("identity shared").normal(size=(5, 2))
    y = renorm.get(METHOD)().fit_transform(x)
    assert_close(y, x, op="exact")
    back = renorm.get(METHOD)().fit(x).inverse_transform(x)
    y[0, 0] = back[0, 0] = 1e9
    assert x[0, 0] < 1e9


def test_log_abs_det_counts_no_missing_entry():
    x = np.array([[1.0, np.nan]])
    assert_close(renorm.get(METHOD)().fit(x).log_abs_det(x), [0.0], op="exact")
