"""Evidence for table.quantile."""

import math
from statistics import NormalDist

import numpy as np
import pytest

import renorm
from renorm.testing import Case, assert_close, golden, rng

METHOD = "table.quantile"
VECTORS = ["sklearn__QuantileTransformer_uniform", "sklearn__QuantileTransformer_normal"]
EQUIVALENT = {
    "size = int(np.clip(state.size.max(), 1, self.n_quantiles)) -> size = int(np.clip(1, state.size.max(), self.n_quantiles))": "clip(x, 1, n) is clip(1, x, n)",
    'return np.clip(ndtri(out), -_END, _END) if self.output_distribution == "normal" else out -> '
    "return np.clip(-_END, ndtri(out), _END) if self.output_distribution == 'normal' else out": "clip(x, a, b) is clip(a, x, b)",
    "y = np.where(np.abs(y) >= _END, y > 0, ndtr(y)) -> y = np.where(np.abs(y) >= _END, y >= 0, ndtr(y))": "asked only where |y| is above 5",
    "y = np.where(np.abs(y) >= _END, y > 0, ndtr(y)) -> y = np.where(np.abs(y) >= _END, y > 1, ndtr(y))": "asked only where |y| is above 5",
}
PROBES = [{}, {"output_distribution": "normal"}, {"n_quantiles": 20}]
OPS = {  # the standard library's inv_cdf is good to 1e-10
    "normal: y": "root",
    "normal, few: y": "root",
    "far, normal: y": "root",
    "y": "merge",
    "back": "merge",
    "log_abs_det": "merge",
}
END = -NormalDist().inv_cdf(1e-7)


def cases():
    r = rng("quantile")
    x = np.column_stack([r.normal(5, 3, 29), np.round(r.exponential(3, 29)), np.full(29, 0.1), r.standard_cauchy(29)])
    holes = np.where(r.random(x.shape) < 0.2, np.nan, x)
    w = r.integers(0, 5, 29).astype(float)
    new = np.vstack([x + 0.01, r.normal(5, 3, (6, 4)), np.full((1, 4), 1e9), np.full((1, 4), -1e9)])
    far = np.column_stack([np.clip(r.normal(size=29), -1, 1) * 1.7e308, r.normal(size=29) * 1e-300])
    infinite = np.vstack([x, [[np.inf, -np.inf, np.inf, 1.0]]])
    return [
        Case("plain", x),
        Case("new", x, {}, {"x_new": new}),
        Case("few", x, {"n_quantiles": 7}, {"x_new": new}),
        Case("one", x, {"n_quantiles": 1}, {"x_new": new}),
        Case("missing", holes, {"n_quantiles": 10}, {"x_new": new}),
        Case("weights", holes, {}, {"sample_weight": w, "x_new": new}),
        Case("normal", x, {"output_distribution": "normal"}, {"x_new": new}),
        Case("normal, few", holes, {"output_distribution": "normal", "n_quantiles": 5}, {"x_new": new}),
        Case("far", far),
        Case("far, normal", far, {"output_distribution": "normal"}),
        Case("infinite", infinite, {"n_quantiles": 8}),
    ]


def at(values, p):
    """Quantile of sorted values, NumPy's definition."""
    h = (len(values) - 1) * p
    h = float(round(h)) if math.isclose(h, round(h)) else h
    low, high, way = values[math.floor(h)], values[math.ceil(h)], h - math.floor(h)
    return low if way == 0 or low == high else low * (1 - way) + high * way


def rank(v, grid, ref):
    if v <= grid[0]:
        return 0.0
    if v >= grid[-1]:
        return 1.0
    ties = [r for g, r in zip(grid, ref, strict=True) if g == v]
    if ties:
        return (ties[0] + ties[-1]) / 2
    k = max(i for i, g in enumerate(grid) if g < v)
    a, b = grid[k], grid[k + 1]
    if math.isinf(a) or math.isinf(b):
        return ref[k + 1] if math.isinf(a) else ref[k]
    return ref[k] + (ref[k + 1] - ref[k]) * ((v / 4 - a / 4) / (b / 4 - a / 4))


def value(u, grid, ref):
    k = min(max([i for i, r in enumerate(ref) if r <= u] or [0]), max(len(grid) - 2, 0))
    if len(grid) == 1:
        return grid[0]
    way = min(max((u - ref[k]) / (ref[k + 1] - ref[k]), 0), 1)
    a, b = grid[k], grid[k + 1]
    return a if way == 0 or a == b else b if way == 1 else a * (1 - way) + b * way


def log_slope(v, grid, ref):
    if v < grid[0] or v > grid[-1] or len(grid) == 1:
        return -math.inf
    k = min(max(i for i, g in enumerate(grid) if g <= v), len(grid) - 2)
    rise, run = ref[k + 1] - ref[k], grid[k + 1] - grid[k]
    return math.inf if run == 0 else -math.inf if math.isinf(run) else math.log(rise) - math.log(run)


def oracle(case):
    o = {"n_quantiles": 1000, "output_distribution": "uniform", **case.options}
    w = case.extra.get("sample_weight", np.ones(len(case.x)))
    new = case.extra.get("x_new", case.x)
    columns = [sorted(v for v, k in zip(c, w, strict=True) if v == v for _ in range(int(k))) for c in case.x.T.tolist()]
    size = min(o["n_quantiles"], max(len(c) for c in columns))
    ref = [k / (size - 1) if size > 1 else 0.0 for k in range(size)]
    y, back = np.full(new.shape, np.nan), np.full(new.shape, np.nan)
    slopes = np.zeros(len(new))
    normal = NormalDist()
    for j, column in enumerate(columns):
        grid = [at(column, p) for p in ref]
        for i, v in enumerate(new[:, j].tolist()):
            if v == v:
                u = rank(v, grid, ref)
                y[i, j], slope = u, log_slope(v, grid, ref)
                if o["output_distribution"] == "normal":
                    y[i, j] = min(max(normal.inv_cdf(u), -END), END) if 0 < u < 1 else END * (2 * u - 1)
                    slope = -math.inf if abs(y[i, j]) == END else slope + math.log(2 * math.pi) / 2 + y[i, j] ** 2 / 2
                slopes[i] += slope
                back[i, j] = value(u, grid, ref)
    out = {"y": y, "back": back}
    if case.id in ("new", "few", "normal", "normal, few"):
        out["log_abs_det"] = np.where(np.isnan(slopes), -math.inf, slopes)
    return out


def test_vectors():
    for name in VECTORS:
        v = golden(name)
        config = {k: v["meta"]["config"][k] for k in ("n_quantiles", "output_distribution") if k in v["meta"]["config"]}
        assert_close(renorm.get(METHOD)(**config).fit(v["x"]).transform(v["x"]), v["y"], op="vector", what=name)


def test_the_scale_of_a_column_does_not_matter():
    """scikit-learn's normal output maps a column of spread 1e-8 to one constant."""
    x = rng("quantile scale").normal(size=(40, 1))
    y = renorm.get(METHOD)(output_distribution="normal").fit_transform(x)
    for scale in (2.0**-30, 2.0**-900, 2.0**900):
        assert_close(renorm.get(METHOD)(output_distribution="normal").fit_transform(x * scale), y, op="exact")


def test_grid_is_the_sorted_column():
    x = rng("quantile grid").normal(size=(12, 1))
    method = renorm.get(METHOD)().fit(x)
    assert_close(method.quantiles_, np.sort(x, axis=0), op="exact")
    sizes = {1: np.ones((1, 1)), 12: x, 1000: np.arange(1200.0)[:, None]}
    for size, column in sizes.items():
        method = renorm.get(METHOD)().fit(column)
        assert (method.n_quantiles_, len(method.references_)) == (size, size)
    assert renorm.get(METHOD)().fit(np.full((3, 1), np.nan)).n_quantiles_ == 1


def test_no_grid_is_refused():
    for size in (0, -1):
        with pytest.raises(ValueError, match="n_quantiles"):
            renorm.get(METHOD)(n_quantiles=size).fit([[1.0]])


def test_the_ends_are_flat_and_come_back():
    x = rng("quantile ends").normal(size=(30, 1))
    method = renorm.get(METHOD)(output_distribution="normal").fit(x)
    ends = np.array([[x.min()], [x.max()]])
    assert method.log_abs_det(ends).tolist() == [-np.inf, -np.inf]
    assert_close(method.inverse_transform(method.transform(ends)), ends, op="exact")
    assert_close(method.inverse_transform([[-9.0], [9.0]]), ends, op="exact")
