"""Evidence for table.winsor."""

import math
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest

import renorm
from renorm.core.engine import Shards
from renorm.core.errors import OptionError
from renorm.testing import Case, assert_close, golden, rng

METHOD = "table.winsor"
VECTORS = ["feature_engine__Winsorizer_gauss"]
MERGES = {"negative": "the values beyond three standard deviations go to the cap: that is the method"}
EQUIVALENT = {
    "spread = _distance(high, low) -> spread = _distance(low, high)": "a distance has no direction",
    "return np.clip(x, self.lower_, self.upper_) -> return np.clip(self.lower_, x, self.upper_)": "clip(x, a, b) is clip(a, x, b)",
}
DEFAULTS = {"gauss": 3.0, "iqr": 1.5, "mad": 3.29, "quantile": 0.05}


def cases():
    r = rng("winsor")
    x = np.column_stack(
        [r.standard_t(1, 41), np.round(r.exponential(3, 41)), np.full(41, 0.1), np.r_[r.normal(size=40), 99]]
    )
    holes = np.where(r.random(x.shape) < 0.2, np.nan, x)
    w = r.integers(0, 5, 41).astype(float)
    far = np.column_stack(
        [np.clip(r.normal(size=41), -1, 1) * 1.7e308, r.standard_t(1, 41) * 1e-300, np.repeat([-1.0, 0.0, 5.0], [1, 39, 1])]
    )
    new = 9 * r.standard_t(1, (8, 4))
    made = [Case("plain", x, {}, {"x_new": new}), Case("float32", x[:, :2].astype(np.float32))]
    for k, method in enumerate(DEFAULTS):
        made += [
            Case(method, x, {"method": method}, {"x_new": new}),
            Case(f"{method}, weights", holes, {"method": method}, {"sample_weight": w}),
            Case(f"{method}, far", far, {"method": method}),
            Case(f"{method}, left", x, {"method": method, "tail": "left", "fold": 0.1 + 0.1 * k}),
            Case(f"{method}, right", x, {"method": method, "tail": "right", "fold": 0.45 - 0.1 * k}),
        ]
    return made


def root(v):
    return Fraction(math.isqrt(int(v * 10**680)), 10**340)


def quantile(values, p):
    values = sorted(values)
    h = (len(values) - 1) * Fraction(p)
    h = Fraction(round(h)) if abs(h - round(h)) < Fraction(1, 10**9) else h
    below, above = values[math.floor(h)], values[math.ceil(h)]
    return below + (above - below) * (h - math.floor(h))


def caps(values, method, fold):
    if method == "gauss":
        mean = sum(values) / len(values)
        spread = root(sum((v - mean) ** 2 for v in values) / len(values))
        return mean - fold * spread, mean + fold * spread, spread
    if method == "mad":
        m = quantile(values, 0.5)
        spread = quantile([abs(v - m) for v in values], 0.5) / Fraction(NormalDist().inv_cdf(0.75))
        return m - fold * spread, m + fold * spread, spread
    p = 0.25 if method == "iqr" else float(fold)
    low, high = quantile(values, p), quantile(values, 1 - p)
    reach = fold * (high - low) if method == "iqr" else 0
    return low - reach, high + reach, high - low


def number(v):
    return float(v) if abs(v) < Fraction(2) ** 1024 else math.inf if v > 0 else -math.inf


def oracle(case):
    o = {"method": "gauss", "tail": "both", **case.options}
    w = case.extra.get("sample_weight", np.ones(len(case.x)))
    new = case.extra.get("x_new", case.x)
    y, ends = np.full(new.shape, np.nan), []
    for j in range(new.shape[1]):
        values = [Fraction(float(v)) for v, k in zip(case.x[:, j], w, strict=True) if v == v for _ in range(int(k))]
        low, high, spread = caps(values, o["method"], Fraction(o.get("fold", DEFAULTS[o["method"]])))
        low = -math.inf if spread == 0 or o["tail"] == "right" else number(low)
        high = math.inf if spread == 0 or o["tail"] == "left" else number(high)
        ends.append((low, high))
        for i, value in enumerate(new[:, j].tolist()):
            if value == value:
                y[i, j] = min(max(value, low), high)
    lower, upper = np.array(ends).T
    return {"y": y, "lower_": lower, "upper_": upper}


def test_vectors():
    for name in VECTORS:
        v = golden(name)
        for tail in ("right", "both"):  # no value lies below the left cap
            y = renorm.get(METHOD)(fold=2, tail=tail).fit_transform(v["x"])
            assert_close(y, v["y"], op="vector", what=name)


def test_the_caps_are_the_same_on_shards():
    r = rng("winsor shards")
    x, w = r.standard_t(2, (61, 3)), r.integers(0, 4, 61).astype(float)
    parts = [(x[i : i + 7], w[i : i + 7]) for i in range(0, 61, 7)]
    for method in DEFAULTS:
        whole = renorm.get(METHOD)(method=method).fit(x, sample_weight=w)
        other = renorm.get(METHOD)(method=method).fit_on(Shards(parts, seed=1))
        op = "merge" if method == "gauss" else "exact"
        assert_close(other.lower_, whole.lower_, op=op, what=method)
        assert_close(other.upper_, whole.upper_, op=op, what=method)


def test_an_empty_column_is_refused_at_transform():
    for method in DEFAULTS:
        fitted = renorm.get(METHOD)(method=method).fit([[np.nan, 1.0], [np.nan, 2.0]])
        assert np.isnan([fitted.lower_, fitted.upper_]).tolist() == [[True, False]] * 2
        with pytest.raises(ValueError, match="column 0, row 0"):
            fitted.transform([[1.0, 1.0]])


def test_bad_folds_are_refused():
    for fold, method in [(0.5, "quantile"), (3, "quantile"), (0, "gauss"), (-1.0, "iqr"), (np.inf, "mad"), ("3", "gauss")]:
        with pytest.raises(ValueError, match="fold"):
            renorm.get(METHOD)(fold=fold, method=method).fit([[1.0], [2.0]])
    with pytest.raises(OptionError, match="Winsor"):
        renorm.get(METHOD)(fold=0.5, method="quantile").fit([[1.0], [2.0]])
