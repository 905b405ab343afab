"""Evidence for table.unit_norm."""

import math
from fractions import Fraction

import numpy as np

import renorm
from renorm.testing import Case, assert_close, golden, rng

METHOD = "table.unit_norm"
VECTORS = ["river__Normalizer"]
EQUIVALENT = {"return {} -> return": "the engine takes no answer for an empty one"}
OPS = {"y": "elementwise"}


def cases():
    r = rng("unit_norm")
    x = r.normal(0, 3, (7, 5)) * np.array([1.0, 1e-3, 1.0, 4.0, 1.0])
    x[2, 1:] = x[4] = 0.0
    holes = np.where(r.random(x.shape) < 0.3, np.nan, x)
    holes[5] = np.nan
    far = np.vstack([r.normal(size=(3, 5)) * 4e307, r.normal(size=(3, 5)) * 1e-300, np.ceil(9 * r.random((3, 5))) * -5e-324])
    far[0] = -np.finfo(float).max
    made = [Case("float32", (x * np.float32(1e30)).astype(np.float32))]
    for norm in ("l2", "l1", "max"):
        made += [
            Case(f"{norm}", x, {"norm": norm}, {"x_new": r.normal(size=(4, 5))}),
            Case(f"{norm}, missing", holes, {"norm": norm}),
            Case(f"{norm}, far", far, {"norm": norm}),
        ]
    return made


def oracle(case):
    norm = case.options.get("norm", "l2")
    x = case.extra.get("x_new", case.x)
    y = np.full(x.shape, np.nan)
    for i, row in enumerate(x.tolist()):
        sizes = [abs(Fraction(v)) for v in row if v == v]
        if norm == "l2":
            length = Fraction(math.isqrt(int(sum(v * v for v in sizes) * 10**720)), 10**360)
        else:
            length = sum(sizes) if norm == "l1" else max(sizes, default=0)
        for j, v in enumerate(row):
            if v == v:
                y[i, j] = float(Fraction(v) / length) if length else v
    return {"y": y}


def test_vectors():
    for name in VECTORS:
        v = golden(name)
        assert_close(renorm.get(METHOD)().fit_transform(v["x"]), v["y"], op="vector", what=name)


def test_nothing_is_shared():
    x = np.array([[1.0, 0.0], [0.0, 0.0]])
    for norm in ("l1", "l2", "max"):
        y = renorm.get(METHOD)(norm=norm).fit_transform(x)
        assert_close(y, x, op="exact")
        assert not np.shares_memory(y, x)
