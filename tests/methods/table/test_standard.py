"""Evidence for table.standard."""

import math
from fractions import Fraction

import numpy as np
from sklearn.preprocessing import StandardScaler

import renorm
from renorm.testing import Case, assert_close, rng

METHOD = "table.standard"
MERGES = {
    "lognormal sigma 10": "values that differ by less than 1e-16 of the mean have the same image in float64",
    "lognormal sigma 50": "values that differ by less than 1e-16 of the mean have the same image in float64",
}
OPS = {"y": "merge", "back": "merge", "var_": "merge"}


def cases():
    r = rng("standard")
    x = np.column_stack([r.normal(5, 3, 23), r.exponential(2, 23) - 7, np.full(23, 0.1), r.normal(size=23) * 1e-9 + 1.5])
    holes = np.where(r.random(x.shape) < 0.2, np.nan, x)
    w = r.integers(0, 5, 23).astype(float)
    far = np.column_stack([r.normal(size=23) + 1e12, r.normal(size=23) * 1e305, r.normal(size=23) * 1e-305])
    new = r.normal(5, 3, (6, 4))
    return [
        Case("plain", x),
        Case("missing", holes),
        Case("weights", holes, {}, {"sample_weight": w, "x_new": new}),
        Case("fractional weights", x, {}, {"sample_weight": r.random(23)}),
        Case("far", far),
        Case("no mean", x, {"with_mean": False}, {"x_new": new}),
        Case("no std", x, {"with_std": False}),
        Case("no std, far", far, {"with_std": False}),
        Case("no mean, far", far, {"with_mean": False}),
        Case("float32", x[:, :2].astype(np.float32)),
    ]


def statistics(column, w):
    """Mean and standard deviation in exact arithmetic."""
    pairs = [(Fraction(float(v)), Fraction(float(k))) for v, k in zip(column, w, strict=True) if v == v]
    n = sum(k for _, k in pairs)
    mean = sum(v * k for v, k in pairs) / n
    variance = sum(k * (v - mean) ** 2 for v, k in pairs) / n
    scaled = variance * Fraction(10) ** 620  # below float64's range, roots come from a scaled copy
    root = Fraction(math.isqrt(int(scaled * 10**40)), 10**20) / Fraction(10) ** 310
    return n, mean, root, variance


def oracle(case):
    options = {"with_mean": True, "with_std": True, **case.options}
    w = case.extra.get("sample_weight", np.ones(len(case.x)))
    new = case.extra.get("x_new", case.x)
    y, log_det = np.full(new.shape, np.nan), np.zeros(len(new))
    var, seen = [], []
    for j in range(case.x.shape[1]):
        n, mean, std, variance = statistics(case.x[:, j], w)
        var.append(float(variance) if variance < Fraction(10) ** 308 else np.inf)
        seen.append(float(n))
        center = mean if options["with_mean"] else Fraction(0)
        scale = std if options["with_std"] and std > 0 else Fraction(1)
        for i, value in enumerate(new[:, j]):
            if value == value:
                y[i, j] = float((Fraction(float(value)) - center) / scale)
                log_det[i] -= math.log(scale.numerator) - math.log(scale.denominator)
    return {"y": y, "back": new, "log_abs_det": log_det, "var_": np.array(var), "n_samples_seen_": np.array(seen)}


def test_fitted_attributes_are_in_the_columns_own_units():
    x = rng("standard units").normal(7, 3, (50, 1))
    method = renorm.get(METHOD)().fit(x)
    assert method.exponent_.tolist() == [0]
    assert_close(method.mean_, [x.mean()], op="reduction")
    assert_close(method.scale_, [x.std()], op="reduction")


def test_long_columns_are_scaled():
    """Where scikit-learn calls them constant: the larger n, the more so."""
    r = rng("standard long")
    n = 200_000
    x = np.column_stack([1e8 + 1e-2 * r.normal(size=n), 1.7e9 + 0.3 * r.normal(size=n), 1e8 + 1e-6 * r.normal(size=n)])
    y = renorm.get(METHOD)().fit_transform(x)
    assert_close(y.std(axis=0), np.ones(3), op="merge")


def test_rounding_noise_is_no_spread():
    x = np.array([[0.1 + 0.2], [0.3], [0.3], [0.3]])
    method = renorm.get(METHOD)().fit(x)
    assert method.scale_.tolist() == [1.0]
    two_apart = np.array([[0.3], [np.nextafter(np.nextafter(0.3, 1), 1)]])
    assert_close(renorm.get(METHOD)().fit_transform(two_apart), [[-1.0], [1.0]], op="exact")


def test_peer():
    """scikit-learn's StandardScaler on ordinary columns, with weights, its attributes too."""
    r = rng("standard peer")
    x = np.where(r.random((40, 3)) < 0.1, np.nan, r.normal(3, 2, (40, 3)))
    w = r.random(40)
    for options in ({}, {"with_mean": False}, {"with_std": False}):
        mine = renorm.get(METHOD)(**options).fit(x, sample_weight=w)
        peer = StandardScaler(**options).fit(x, sample_weight=w)
        assert_close(mine.transform(x), peer.transform(x), op="merge", what=str(options))
    assert_close(mine.mean_, peer.mean_, op="merge")
    assert_close(mine.n_samples_seen_, peer.n_samples_seen_, op="merge")
