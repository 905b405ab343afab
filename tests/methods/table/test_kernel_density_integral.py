"""Evidence for table.kernel_density_integral."""

import math
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gammaincc, ndtr, ndtri

import renorm
from renorm.core.engine import Shards
from renorm.testing import Case, assert_close, golden, rng

METHOD = "table.kernel_density_integral"
POLYEXP = [f"kdi__polyexp_{name}" for name in ("a1", "a10", "normal", "scott", "train", "uniformgrid")]
VECTORS = [*POLYEXP, "kdi__gaussian_a1", "kdi__gaussian_exact"]
PROBES = [{}, {"output_distribution": "normal"}, {"kernel": "gaussian", "exact": True}, {"alpha": 0.01, "n_quantiles": 20}]
END = -ndtri(1e-7)
OPS = {"y": "merge", "back": "merge", "positions_": "merge", "log_abs_det": "merge"}


def cases():
    r = rng("kernel density integral")
    x = np.column_stack([r.normal(5, 3, 23), np.round(r.exponential(3, 23)), np.full(23, 0.1), r.standard_cauchy(23)])
    holes = np.where(r.random(x.shape) < 0.2, np.nan, x)
    w = r.integers(0, 5, 23).astype(float)
    new = np.vstack([x + 0.01, r.normal(5, 3, (6, 4)), np.full((1, 4), 1e9), np.full((1, 4), -1e9), x.min(0), x.max(0)])
    far = np.column_stack([np.clip(r.normal(size=23), -1, 1) * 1.7e308, r.normal(size=23) * 1e-300, 1e8 + 1e-6 * x[:, 3]])
    small = {"n_quantiles": 31}
    gaussian, exact = {"kernel": "gaussian"}, {"exact": True, **small}
    options = {
        "default": {},
        "few": {"n_quantiles": 7},
        "one": {"n_quantiles": 1, "polyexp_eval": "uniform"},
        "scott": {"alpha": "scott", **small},
        "silverman": {"alpha": "silverman", **small},
        "order": {"polyexp_order": 2, **small},
        "uniform": {"polyexp_eval": "uniform", **small},
        "train": {"polyexp_eval": "train", **small},
        "train, narrow": {"polyexp_eval": "train", "alpha": 0.1, **small},
        "narrow": {"alpha": 0.05, **small},
        "narrower": {"alpha": 1e-3, **small},
        "wide": {"alpha": 1e12, **small},
        "gaussian": gaussian,
        "gaussian, scott": {"alpha": "scott", **gaussian},
        "gaussian, narrow": {"alpha": 0.01, **gaussian},
        "gaussian, wide": {"alpha": 1e12, **gaussian},
        "exact": exact,
        "exact, gaussian": gaussian | exact,
        "normal": {"output_distribution": "normal", **small},
        "exact, normal": {"output_distribution": "normal", **exact},
    }
    out = [Case(name, x, o, {"x_new": new}) for name, o in options.items()]
    out += [Case(f"{name}, missing", holes, options[name], {"x_new": new}) for name in ("few", "scott", "gaussian", "exact")]
    out += [
        Case(f"{name}, weights", holes, options[name], {"x_new": new, "sample_weight": w})
        for name in ("few", "scott", "gaussian, scott", "exact", "train")
    ]
    return out + [Case(f"{name}, far", far, options[name]) for name in ("few", "gaussian", "exact")]


def at(values, p):
    """Quantile of sorted values, NumPy's definition."""
    h = (len(values) - 1) * p
    h = float(round(h)) if math.isclose(h, round(h)) else h
    return values[math.floor(h)] * (1 - h % 1) + values[math.ceil(h)] * (h % 1)


def kernel(u, o):
    """Density and distribution function at u of the kernel, by its definition."""
    if o["kernel"] == "gaussian":
        return np.exp(-(u**2) / 2) / math.sqrt(2 * math.pi), ndtr(u)
    k = range(o["polyexp_order"] + 1)
    share = 1 / (2 * len(k))  # every term of the kernel holds as much mass as any other
    density = sum(share * np.abs(u) ** i * np.exp(-np.abs(u)) / math.factorial(i) for i in k)
    tail = sum(share * gammaincc(i + 1, np.abs(u)) for i in k)
    return density, np.where(u > 0, 1 - tail, tail)


@cache
def ratio(order):
    """Bandwidth of the polyexp kernel over that of the Gaussian with the same asymptotic error."""
    o = {"kernel": "polyexp", "polyexp_order": order}
    roughness = 2 * quad(lambda u: kernel(u, o)[0] ** 2, 0, 60, epsabs=1e-13)[0]
    variance = 2 * quad(lambda u: kernel(u, o)[0] * u**2, 0, 90, epsabs=1e-13)[0]
    return (roughness / variance**2 * 2 * math.sqrt(math.pi)) ** 0.2


def bandwidth(z, o):
    n = len(z)
    alpha = {"scott": n**-0.2, "silverman": (n * 3 / 4) ** -0.2}.get(o["alpha"], o["alpha"])
    mean = math.fsum(z) / n
    squares = math.fsum((v - mean) ** 2 for v in z)
    if o["kernel"] == "gaussian":
        return alpha * math.sqrt(squares / (n - 1))
    return alpha * math.sqrt(squares / n) * ratio(o["polyexp_order"])


def estimate(points, z, h, o):
    rows = [kernel((p - np.asarray(z)) / h, o) for p in points]
    return np.array([d.mean() / h for d, _ in rows]), np.array([f.mean() for _, f in rows])


def positions(z, references, h, o):
    quantiles = [at(z, p) for p in references]
    uniform = list(np.linspace(0, 1, o["n_quantiles"]))
    middles = [(a + b) / 2 for a, b in pairwise(z)]
    grid = {"auto": uniform + quantiles, "uniform": uniform, "train": z + middles}[o["polyexp_eval"]]
    points = sorted([0.0, 1.0, *(quantiles if o["kernel"] == "gaussian" else grid)])
    density, below = estimate(points, z, h, o)
    longest = h * (1e-5 if o["kernel"] == "gaussian" else 12 if o["polyexp_eval"] == "train" else 1)
    share = [0.0]
    for k in range(1, len(points)):
        step = points[k] - points[k - 1]
        area = (density[k] + density[k - 1]) / 2 * step if step <= longest else below[k] - below[k - 1]
        share.append(share[-1] + area)
    return np.interp(references, np.array(share) / share[-1], points)


def oracle(case):
    defaults = {"alpha": 1.0, "kernel": "polyexp", "polyexp_order": 4, "polyexp_eval": "auto", "n_quantiles": 1000}
    o = {**defaults, "output_distribution": "uniform", "exact": False, **case.options}
    w = case.extra.get("sample_weight", np.ones(len(case.x)))
    new = case.extra.get("x_new", case.x)
    out = {name: np.full(new.shape, np.nan) for name in ("y", "back", "slope")}
    kept = {name: [] for name in ("data_min_", "data_max_", "n_quantiles_", "bandwidth_")}
    grids = []
    for j, column in enumerate(case.x.T):
        values = sorted(v for v, k in zip(column.tolist(), w, strict=True) if v == v for _ in range(int(k)))
        low, high = values[0], values[-1]
        width = high / 4 - low / 4 or 0.25
        z = [(v / 4 - low / 4) / width for v in values]
        new_z = (new[:, j] / 4 - low / 4) / width
        references = np.linspace(0, 1, min(o["n_quantiles"], len(z)))
        h, grid = math.nan, np.zeros(len(references))
        if low < high:
            h = bandwidth(z, o)
            grid = positions(z, references, h, o)
        if o["exact"] and low < high:
            _, ends = estimate([0.0, 1.0], z, h, o)
            density, below = estimate(new_z, z, h, o)
            y = (below - ends[0]) / (ends[1] - ends[0])
            with np.errstate(divide="ignore"):
                slope = np.log(density / (ends[1] - ends[0]))
        else:
            y = (np.interp(new_z, grid, references) - np.interp(-new_z, -grid[::-1], -references[::-1])) / 2
            y = np.where(new_z <= 0, 0.0, np.where(new_z >= grid[-1], 1.0, y))
            slope = np.full(len(y), -np.inf)
            for i, v in enumerate(new_z):
                if len(grid) > 1 and 0 <= v <= grid[-1]:
                    k = min(max(i for i, g in enumerate(grid) if g <= v), len(grid) - 2)
                    run = grid[k + 1] - grid[k]
                    slope[i] = math.log(references[k + 1] - references[k]) - math.log(run) if run else math.inf
        slope -= math.log(4) + math.log(width) if low < high else 0.0
        u = y
        if o["output_distribution"] == "normal":
            y = np.clip(ndtri(np.clip(y, 0, 1)), -END, END)
            slope = np.where(np.abs(y) == END, -np.inf, slope + math.log(2 * math.pi) / 2 + y**2 / 2)
        back = 4 * (low / 4 + width * np.interp(u, references, grid)) if low < high else low
        for name, value in (("y", y), ("back", back), ("slope", slope)):
            out[name][:, j] = np.where(np.isnan(new[:, j]), np.nan, value)
        for name, value in zip(kept, (low, high, len(references), h), strict=True):
            kept[name].append(value)
        grids.append((grid, references, z))
    length = max(len(g) for g, _, _ in grids)
    for name, i in (("positions_", 0), ("references_", 1)):
        kept[name] = np.array([np.r_[g[i], np.full(length - len(g[0]), np.nan)] for g in grids]).T
    with np.errstate(invalid="ignore"):
        slope = np.nansum(out.pop("slope"), axis=1)
    if "far" not in case.id and case.id != "one":
        kept["log_abs_det"] = slope
    if case.id in ("exact", "exact, gaussian"):
        kept |= {"rows_": np.array([g[2] for g in grids]).T, "weights_": np.ones(case.x.shape)}
    return out | {name: np.asarray(value) for name, value in kept.items()}


def test_vectors():
    for name in VECTORS:
        v = golden(name)
        method = renorm.get(METHOD)(**v["meta"]["config"]).fit(v["x"])
        assert_close(method.transform(v["x"]), v["y"], op="vector", what=name)
        assert_close(method.transform(v["x_test"]), v["y_test"], op="vector", what=f"{name}: new rows")
        if "inverse" in v:
            assert_close(method.inverse_transform(v["y_test"]), v["inverse"], op="vector", what=f"{name}: inverse")


def test_limits_are_quantile_and_min_max():
    """The published code is off by .45 at alpha 1e-4."""
    r = rng("kernel density integral limits")
    x = np.column_stack(
        [r.normal(size=300), r.lognormal(size=300), r.standard_cauchy(300), np.round(9 * r.normal(size=300))]
    )
    ranks = renorm.get("table.quantile")().fit_transform(x)
    part = (x - x.min(axis=0)) / (x.max(axis=0) - x.min(axis=0))
    for options in ({}, {"kernel": "gaussian"}, {"polyexp_eval": "train"}, {"exact": True}):
        make = renorm.get(METHOD)
        assert_close(make(alpha=1e-12, **options).fit_transform(x[:, :3]), ranks[:, :3], op="merge", what=str(options))
        near = np.abs(make(alpha=1e-4, **options).fit_transform(x) - ranks)
        assert near.max() < 2 / 300, options  # two ranks: ties, and neighbours within a bandwidth
        assert_close(make(alpha=1e5, **options).fit_transform(x), part, op="root", what=str(options))


def test_the_scale_of_a_column_does_not_matter():
    """The published code clips normal output where the column is within 1e-7 of its ends."""
    x = rng("kernel density integral scale").normal(size=(40, 1))
    for options in ({}, {"kernel": "gaussian", "exact": True}):
        y = renorm.get(METHOD)(output_distribution="normal", **options).fit_transform(x)
        assert len(np.unique(y)) == 40
        for scale in (2.0**-30, 2.0**-900, 2.0**900):
            assert_close(renorm.get(METHOD)(output_distribution="normal", **options).fit_transform(x * scale), y, op="exact")


def test_many_rows_in_shards():
    """Above 50 000 rows F moves by no more than the stated rank error; the ends stay ends."""
    x = rng("kernel density integral shards").lognormal(size=(60_000, 1))
    for options in ({}, {"kernel": "gaussian", "exact": True, "alpha": "scott"}):
        whole = renorm.get(METHOD)(**options).fit(x)
        parts = renorm.get(METHOD)(**options).fit_on(Shards([x[:20_000], x[20_000:]]))
        assert parts._states[0].rank_error > 0
        probe = np.sort(x, axis=0)[::50]
        error = np.abs(parts.transform(probe) - whole.transform(probe)).max()
        assert error < 2 * parts._states[0].rank_error
        assert_close(parts.transform([x.min(axis=0), x.max(axis=0)]).ravel(), [0.0, 1.0], op="exact")


def test_columns_without_spread():
    x = np.column_stack([np.full(5, np.nan), np.full(5, 3.0), np.arange(5.0), [2.0, *[np.nan] * 4]])
    for options in ({}, {"exact": True}, {"kernel": "gaussian"}):
        method = renorm.get(METHOD)(**options).fit(x)
        assert method.n_quantiles_.tolist() == [1, 5, 5, 1]
        y = method.transform([[np.nan, 3.0, np.nan, 2.0], [np.nan, 3.1, 0.0, 2.1], [np.nan, 2.9, 4.0, 1.9]])
        assert_close(y[:, 1:], [[0, np.nan, 0], [1, 0, 1], [0, 1, 0]], op="exact", what=str(options))
        assert_close(method.inverse_transform(y)[:, 1], [3.0, 3.0, 3.0], op="exact")
        assert method.log_abs_det([[np.nan, 2.9, np.nan, np.nan]]).tolist() == [-np.inf]


def test_what_is_refused():
    cls, x = renorm.get(METHOD), [[1.0], [2.0]]
    for options in ({"alpha": 0.0}, {"alpha": "best"}, {"polyexp_order": -1}, {"polyexp_order": 21}, {"n_quantiles": 0}):
        with pytest.raises(ValueError, match=next(iter(options))):
            cls(**options).fit(x)
    with pytest.raises(ValueError, match="up to 1e6"):
        cls(alpha=1.1e6, exact=True).fit(x)
    cls(alpha=1e6, exact=True).fit(x)
    cls(alpha="scott", exact=True).fit(x)
    cls(alpha=1.1e6).fit(x)
    cls(polyexp_order=0).fit(x)
    cls(polyexp_order=20).fit(x)
