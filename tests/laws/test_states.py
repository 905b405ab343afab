"""The laws of states: for every class of state that there is, against a naive oracle and against itself."""

from __future__ import annotations

import ast
import itertools
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import renorm
from renorm.core import power, rank, state, states
from renorm.core.errors import DataError, FitError, OptionError, UnknownNameError
from renorm.core.power import PowerGeometry, PowerLikelihood
from renorm.core.rank import RankCounts, RankSummary, keys_of, values_of
from renorm.core.state import State
from renorm.core.states import CoMoments, Counts, Extrema, Histogram, Moments, Quantiles, Sample
from renorm.testing import assert_close, rng

Array = np.ndarray[Any, Any]
Seen = dict[str, tuple[Any, str]]  # what a state says, and the class of operation it is compared by

LAW = settings(max_examples=1000 if os.environ.get("RENORM_NIGHTLY") else 20, derandomize=True, deadline=None, database=None)
WIDTH = 3
CORE = Path(renorm.__file__).parent / "core"


@dataclass(frozen=True)
class Kind:
    """How to build a class of state, what it says, and what a naive loop says instead."""

    cls: type[State]
    seen: Callable[[Any], Seen]
    naive: Callable[[Array, Array, dict[str, Any]], dict[str, Any]]
    params: Callable[[list[int]], dict[str, Any]] = lambda columns: {}
    rows: Callable[[Array], Array] = lambda x: x  # what data must look like
    nan: str = "entry"  # what is left out where there is a NaN: the entry, the row, or nothing
    grows: bool = False
    unlike: tuple[dict[str, Any], ...] = ()  # parameters that do not merge with the others
    of_rows: tuple[str, ...] = ()  # what counts rows, not weights
    far: tuple[float, ...] = (math.nan, 1e300, -math.inf, 5.0)  # values that must not matter where they weigh nothing


# what they say


def moments_seen(s: Moments) -> Seen:
    # the center in units of the spread, and shapes beside 1: both may be 0
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.stack([s.mean, s.std])
    one = np.ones(s.count.shape)
    out: Seen = {"count": (s.count, "exact"), "mean, std": (deviation, "merge")}
    if not np.isnan(s.third).all():
        out["skewness"] = (np.stack([one, s.skewness]), "merge")
    if not np.isnan(s.fourth).all():
        out["kurtosis"] = (np.stack([one, s.kurtosis]), "merge")
    return out


def comoments_seen(s: CoMoments) -> Seen:
    none = s.count[0] == 0
    spread = np.sqrt(np.diag(s.covariance))
    scale = np.where(spread > 0, spread, 1.0)
    return {
        "count": (s.count, "exact"),
        "mean, std": (np.full((2, len(spread)), np.nan) if none else np.stack([s.mean, spread]), "merge"),
        "correlation": (np.vstack([np.ones(len(spread)), s.covariance / np.outer(scale, scale)]), "merge"),
    }


def power_seen(s: PowerLikelihood) -> Seen:
    one = np.where(s.count > 0, 1.0, 0.0)  # beside it, what is 0 but for rounding
    means = np.stack([one, s.mean_a, s.mean_y, s.mean_q, s.var_y, s.cov_yq])
    return {"count": (s.count, "exact"), "means": (means, "merge")}


PROBABILITIES = np.array([0.0, 0.03, 0.25, 0.5, 0.9, 1.0])


def quantiles_seen(s: Quantiles) -> Seen:
    return {"count": (s.count, "exact"), "size": (s.size, "exact"), "at": (s.at(PROBABILITIES), "exact")}


def counts_seen(s: Counts) -> Seen:
    out: Seen = {}
    for j, (values, weights) in enumerate(zip(s.values, s.weights, strict=True)):
        out[f"values {j}"] = (values, "exact")
        out[f"weights {j}"] = (weights, "exact")
    return out


def fields_seen(*names: str) -> Callable[[Any], Seen]:
    return lambda s: {name: (getattr(s, name), "exact") for name in names}


def rank_counts_seen(s: RankCounts) -> Seen:
    return {"below": (s.below.T, "exact")}


# naive loops


def entries(x: Array, w: Array, j: int) -> list[tuple[Fraction, Fraction]]:
    """Values of a column that count, with their weights."""
    return [(Fraction(v), Fraction(a)) for v, a in zip(x[:, j].tolist(), w.tolist(), strict=True) if v == v and a > 0]


def root(x: Fraction) -> float:
    with mpmath.workdps(40):
        return float(mpmath.sqrt(mpmath.mpf(x.numerator) / x.denominator))


def moments_naive(x: Array, w: Array, params: dict[str, Any]) -> dict[str, Any]:
    order = params.get("order", 2)
    out: dict[str, list[Any]] = {"count": [], "mean, std": [], "skewness": [], "kurtosis": []}
    for j in range(x.shape[1]):
        real = entries(x, w, j)
        n = sum((a for _, a in real), Fraction(0))
        out["count"].append(float(n))
        mean = sum((a * v for v, a in real), Fraction(0)) / n if n else Fraction(0)
        central = [sum((a * (v - mean) ** k for v, a in real), Fraction(0)) / (n or 1) for k in range(5)]
        std = root(central[2])
        out["mean, std"].append([float(mean), std] if n else [math.nan, math.nan])
        for k, name in ((3, "skewness"), (4, "kurtosis")):
            # third / std**3 as the root of its square: exact until the end
            size = root(central[k] ** 2 / central[2] ** k) if central[2] else math.nan
            out[name].append([1.0, size if central[k] > 0 else -size])
    out = {name: np.array(v).T for name, v in out.items()}
    return {k: v for k, v in out.items() if k in ("count", "mean, std") or {"skewness": 3, "kurtosis": 4}[k] <= order}


def comoments_naive(x: Array, w: Array, params: dict[str, Any]) -> dict[str, Any]:
    d = x.shape[1]
    pairs = [(r, a) for r, a in zip(x.tolist(), w.tolist(), strict=True) if a > 0 and not any(map(math.isnan, r))]
    real = [([Fraction(v) for v in r], Fraction(a)) for r, a in pairs]
    n = sum((a for _, a in real), Fraction(0))
    if not n:
        nothing = np.vstack([np.ones(d), np.zeros((d, d))])
        return {"count": np.zeros(1), "mean, std": np.full((2, d), np.nan), "correlation": nothing}
    mean = [sum((a * r[j] for r, a in real), Fraction(0)) / n for j in range(d)]
    cov = [
        [sum((a * (r[i] - mean[i]) * (r[j] - mean[j]) for r, a in real), Fraction(0)) / n for j in range(d)]
        for i in range(d)
    ]
    std = [root(cov[j][j]) for j in range(d)]
    safe = [s or 1.0 for s in std]
    correlation = [[float(cov[i][j] / Fraction(safe[i]) / Fraction(safe[j])) for j in range(d)] for i in range(d)]
    return {
        "count": np.array([float(n)]),
        "mean, std": np.array([[float(m) for m in mean], std]),
        "correlation": np.vstack([np.ones(d), correlation]),
    }


def extrema_naive(x: Array, w: Array, params: dict[str, Any]) -> dict[str, Any]:
    columns = [[float(v) for v, _ in entries(x, w, j)] for j in range(x.shape[1])]
    return {
        "count": np.array([sum(float(a) for _, a in entries(x, w, j)) for j in range(x.shape[1])]),
        "least": np.array([min(c, default=math.inf) for c in columns]),
        "greatest": np.array([max(c, default=-math.inf) for c in columns]),
    }


def histogram_naive(x: Array, w: Array, params: dict[str, Any]) -> dict[str, Any]:
    edges = params["edges"]
    counts = np.zeros((len(edges), edges.shape[1] + 1))
    for j, row in enumerate(edges.tolist()):
        for v, a in entries(x, w, j):
            counts[j][sum(1 for e in row if v > Fraction(e))] += float(a)
    return {"counts": counts.T}


def counts_naive(x: Array, w: Array, params: dict[str, Any]) -> dict[str, Any]:
    out = {}
    for j in range(x.shape[1]):
        found: dict[Any, Fraction] = {}
        for v, a in entries(x, w, j):
            found[v] = found.get(v, Fraction(0)) + a
        out[f"values {j}"] = np.array([float(v) for v in sorted(found)])
        out[f"weights {j}"] = np.array([float(found[v]) for v in sorted(found)])
    return out


def quantiles_naive(x: Array, w: Array, params: dict[str, Any]) -> dict[str, Any]:
    whole = all(a == int(a) for a in w.tolist())
    count, size, at = [], [], []
    for j in range(x.shape[1]):
        real = sorted(entries(x, w, j))
        total = sum((a for _, a in real), Fraction(0))
        n = int(total) if whole else len(real)
        count.append(float(total))
        size.append(float(n))
        column = []
        for p in PROBABILITIES.tolist():
            h = (n - 1) * p  # the position as a float has it
            h = Fraction(round(h)) if n and math.isclose(h, round(h)) else Fraction(h)
            # the value at position k is the least with more weight than k rows at or below it
            low, high = (value_at(real, k, total / n) for k in (h // 1, min(h // 1 + 1, n - 1))) if n else (None, None)
            column.append(math.nan if low is None else float(low) + (float(high) - float(low)) * float(h % 1))
        at.append(column)
    return {"count": np.array(count), "size": np.array(size), "at": np.array(at).T.reshape(len(PROBABILITIES), -1)}


def value_at(real: list[tuple[Fraction, Fraction]], position: Any, unit: Fraction) -> Fraction:
    seen = Fraction(0)
    for v, a in real:
        seen += a
        if seen > position * unit:
            return v
    return real[-1][0]


def power_naive(x: Array, w: Array, params: dict[str, Any]) -> dict[str, Any]:
    geometry, tilts = params["geometry"], params["tilt"].tolist()
    names = ("a", "y", "q")
    count, means = [], []
    for j, tilt in enumerate(tilts):
        r, both = float(geometry.range[j]), geometry.sign[j] == 0
        rows = []
        for v, a in entries(x, w, j):
            point = mpmath.mpf(v.numerator) / v.denominator
            if not both and r + tilt < 0:
                point += 1
            side = r + tilt if point >= 0 or not both else r - tilt
            y = mpmath.expm1(side * abs(point)) / side if both else mpmath.expm1(side * point) / side
            size = abs(point) if both else point
            q = (size * mpmath.exp(side * size) - y) / side
            rows.append(
                (mpmath.mpf(a.numerator) / a.denominator, {"a": point, "y": y if point >= 0 or not both else -y, "q": q})
            )
        n = sum((a for a, _ in rows), mpmath.mpf(0))
        mean = {k: sum(a * v[k] for a, v in rows) / n if n else mpmath.mpf(0) for k in names}
        var = sum(a * (v["y"] - mean["y"]) ** 2 for a, v in rows) / n if n else mpmath.mpf(0)
        cov = sum(a * (v["y"] - mean["y"]) * (v["q"] - mean["q"]) for a, v in rows) / n if n else mpmath.mpf(0)
        one = 1.0 if n else 0.0
        count.append(float(n))
        means.append([one, *(float(mean[k]) for k in names), float(var), float(cov)])
    return {"count": np.array(count), "means": np.array(means).T}


def hash_of(row: list[float], seed: int) -> int:
    mask = 2**64 - 1
    mixed = (seed + 0x9E3779B97F4A7C15) & mask
    for v in row:
        bits = int(np.array([v if v == v else math.nan]).view(np.uint64)[0]) if v else 0
        mixed = ((mixed ^ bits) + 0x9E3779B97F4A7C15) & mask
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & mask
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & mask
        mixed ^= mixed >> 31
    return mixed


def sample_naive(x: Array, w: Array, params: dict[str, Any]) -> dict[str, Any]:
    found: dict[tuple[str, ...], tuple[list[float], float]] = {}
    for row, a in zip(x.tolist(), w.tolist(), strict=True):
        if a > 0:
            key = tuple(repr(v + 0.0) for v in row)
            found[key] = ([v + 0.0 for v in row], found.get(key, ([], 0.0))[1] + a)
    kept = sorted(found.values(), key=lambda item: hash_of(item[0], params["seed"]))[: params["k"]]
    rows = np.array([r for r, _ in kept]).reshape(-1, x.shape[1])
    return {"rows": rows, "weights": np.array([a for _, a in kept])}


def key_naive(v: float) -> int:
    bits = int(np.array([v + 0.0]).view(np.int64)[0])
    return bits if bits >= 0 else -(bits & (2**63 - 1)) - 1


def rank_summary_naive(x: Array, w: Array, params: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, list[Any]] = {"total": [], "rows": [], "whole": [], "least": [], "greatest": [], "size": []}
    whole = all(a == int(a) for a in w.tolist())
    top = 2**63
    for j in range(x.shape[1]):
        real = entries(x, w, j)
        keys = [key_naive(float(v)) for v, _ in real]
        total = float(sum(a for _, a in real))
        for name, value in zip(
            out, (total, float(len(real)), whole, min(keys, default=top - 1), max(keys, default=-top), 0.0), strict=True
        ):
            out[name].append(value)
        out["size"][-1] = total if whole else float(len(real))
    return {name: np.array(v) for name, v in out.items()}


def rank_counts_naive(x: Array, w: Array, params: dict[str, Any]) -> dict[str, Any]:
    edges = params["edges"].tolist()
    below = [
        [float(sum(a for v, a in entries(x, w, j) if key_naive(float(v)) <= e)) for e in row] for j, row in enumerate(edges)
    ]
    return {"below": np.array(below).T}


# how to build them

EDGES = np.array([[-2.5, 0.0, 1.0, 700.0], [-1e9, -1.0, 0.5, 2.0], [0.0, 1.0, 2.0, 3.0]])
KEYS = np.sort(keys_of(EDGES), axis=1)
# one column of each sign, and one with both
LEAST, GREATEST = np.array([2.0, -30.0, -4.0]), np.array([50.0, -3.0, 7.0])
TILTS = np.array([1.7, -5.0, 0.6])


def geometry(columns: list[int]) -> PowerGeometry:
    return PowerGeometry(LEAST[columns], GREATEST[columns])


def lifted(x: Array) -> Array:
    """Any data into the range of lifted rows: [-1, 0] for one sign, [-1, 1] for both."""
    with np.errstate(invalid="ignore"):
        y = np.sin(x)
    return np.where(np.arange(x.shape[1]) < 2, -np.abs(y), y)


def _moments(order: int) -> Kind:
    other = {"order": 3 if order != 3 else 4}
    return Kind(Moments, moments_seen, moments_naive, lambda columns: {"order": order}, unlike=(other,))


KINDS: dict[str, Kind] = {
    "Moments(2)": _moments(2),
    "Moments(3)": _moments(3),
    "Moments(4)": _moments(4),
    "CoMoments": Kind(CoMoments, comoments_seen, comoments_naive, nan="row"),
    "Extrema": Kind(Extrema, fields_seen("count", "least", "greatest"), extrema_naive),
    "Quantiles": Kind(Quantiles, quantiles_seen, quantiles_naive, grows=True, unlike=({"limit": 7},)),
    "Histogram": Kind(
        Histogram,
        lambda s: {"counts": (s.counts.T, "exact")},
        histogram_naive,
        lambda columns: {"edges": EDGES[columns]},
        unlike=({"edges": EDGES + 1}, {"edges": EDGES[:, :2]}),
    ),
    "Counts": Kind(Counts, counts_seen, counts_naive, grows=True),
    "PowerLikelihood": Kind(
        PowerLikelihood,
        power_seen,
        power_naive,
        lambda columns: {"geometry": geometry(columns), "tilt": TILTS[columns]},
        lifted,
        far=(math.nan, -0.3, -1.0),  # engines leave such rows out before they are lifted
        unlike=({"geometry": geometry([0, 1, 2]), "tilt": TILTS + 1},),
    ),
    "Sample": Kind(
        Sample,
        fields_seen("rows", "weights"),
        sample_naive,
        lambda columns: {"k": 4, "seed": 5},
        nan="value",
        unlike=({"k": 5, "seed": 5}, {"k": 4, "seed": 6}),
    ),
    "RankSummary": Kind(
        RankSummary,
        fields_seen("total", "rows", "whole", "least", "greatest", "size"),
        rank_summary_naive,
        of_rows=("rows",),
    ),
    "RankCounts": Kind(
        RankCounts,
        rank_counts_seen,
        rank_counts_naive,
        lambda columns: {"edges": KEYS[columns]},
        unlike=({"edges": KEYS + 1},),
    ),
}
every = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
merging = pytest.mark.parametrize(
    "kind", [k for k in KINDS.values() if k.unlike], ids=[n for n, k in KINDS.items() if k.unlike]
)


def test_every_state_is_here() -> None:
    """A new class of state needs an entry above."""
    shipped = {c for c in state._REGISTRY.values() if c.__module__.startswith("renorm.")}
    assert shipped == {kind.cls for kind in KINDS.values()}
    assert {getattr(states, name) for name in states.__all__} == shipped - {PowerLikelihood}


# data: ties, NaN, both zeros, several scales; weights whose sums are exact

VALUES = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, 1.0, 2.0, -2.5, 3.0, 0.1, 700.0, -1e9, math.nan]),
    st.floats(-1e3, 1e3),
    st.floats(-1e-3, 1e-3),
)
MASSES = st.integers(0, 12).map(lambda n: n / 4)


@st.composite
def rows(draw: st.DrawFn, least: int = 0, most: int = 9) -> tuple[Array, Array | None]:
    """A few rows, and weights or None; neither may be written to."""
    n = draw(st.integers(least, most))
    x = draw(arrays(np.float64, (n, WIDTH), elements=VALUES))
    w = draw(st.none() | arrays(np.float64, (n,), elements=MASSES))
    for a in (x, w):
        if a is not None:
            a.flags.writeable = False
    return x, w


ALL = list(range(WIDTH))


def build(kind: Kind, x: Array, w: Array | None = None, columns: list[int] = ALL) -> Any:
    made = kind.rows(x)[:, columns]
    made.flags.writeable = False
    return kind.cls.of(made, w, **kind.params(columns))


def nothing(kind: Kind, columns: list[int] = ALL) -> Any:
    return kind.cls.identity(len(columns), **kind.params(columns))


def ones(x: Array, w: Array | None) -> Array:
    return np.ones(len(x)) if w is None else w


def stacked(*parts: tuple[Array, Array | None]) -> tuple[Array, Array]:
    return np.concatenate([x for x, _ in parts]), np.concatenate([ones(x, w) for x, w in parts])


def compare(got: Array, want: Array, op: str, what: str) -> None:
    """Column by column: a large column must not hide a small one."""
    got, want = np.asarray(got), np.asarray(want)
    if op == "exact" or got.shape != want.shape:
        assert_close(got, want, op="exact", what=what)
        return
    for j in range(got.shape[-1]):
        assert_close(got[..., j], want[..., j], op=op, what=f"{what}[{j}]")


def assert_same(kind: Kind, got: Any, want: Any, what: str = "", without: tuple[str, ...] = ()) -> None:
    a, b = kind.seen(got), kind.seen(want)
    assert a.keys() == b.keys()
    for name, (value, op) in a.items():
        if name not in without:
            compare(value, b[name][0], op, f"{kind.cls.__name__} {what}: {name}")


def bits(s: State) -> list[tuple[str, bytes]]:
    """Every field, to the bit."""
    out = []
    for name, value in s.to_dict().items():
        parts = value if isinstance(value, tuple) else (value,)
        out += [(f"{name} {getattr(p, 'dtype', '')} {np.shape(p)}", np.asarray(p).tobytes()) for p in parts]
    return out


# the laws


@every
@given(rows())
@LAW
def test_equals_the_naive_loop(kind: Kind, data: tuple[Array, Array | None]) -> None:
    x, w = data
    got, want = kind.seen(build(kind, x, w)), kind.naive(kind.rows(x), ones(x, w), kind.params(ALL))
    assert got.keys() == want.keys()
    for name, (value, op) in got.items():
        if name == "at":  # interpolated in floats
            compare(value, want[name], "elementwise", name)
        else:
            compare(value, want[name], op, name)


@every
@given(rows())
@LAW
def test_identity_is_neutral(kind: Kind, data: tuple[Array, Array | None]) -> None:
    s = build(kind, *data)
    before = bits(s)
    assert_same(kind, nothing(kind).merge(s), s, "on the left")
    assert_same(kind, s.merge(nothing(kind)), s, "on the right")
    assert bits(s) == before


@every
def test_no_rows_are_the_identity(kind: Kind) -> None:
    empty = np.zeros((0, WIDTH))
    for w in (None, np.zeros(0)):
        assert bits(build(kind, empty, w)) == bits(nothing(kind))
    assert_same(kind, nothing(kind).merge(nothing(kind)), nothing(kind))


@every
@given(rows(), rows())
@LAW
def test_both_together_are_merged(kind: Kind, a: tuple[Array, Array | None], b: tuple[Array, Array | None]) -> None:
    first, second = build(kind, *a), build(kind, *b)
    before = bits(first), bits(second)
    merged = first.merge(second)
    assert_same(kind, merged, build(kind, *stacked(a, b)))
    assert_same(kind, second.merge(first), merged, "in the other order")
    assert (bits(first), bits(second)) == before, "merge changed what it merged"
    assert type(merged) is kind.cls


@every
@given(rows(), rows(), rows())
@LAW
def test_merge_is_associative(kind: Kind, a: Any, b: Any, c: Any) -> None:
    a, b, c = (build(kind, *part) for part in (a, b, c))
    assert_same(kind, a.merge(b).merge(c), a.merge(b.merge(c)))


@every
@given(rows(2), st.randoms(use_true_random=False))
@LAW
def test_order_of_rows_does_not_matter(kind: Kind, data: tuple[Array, Array | None], random: Any) -> None:
    x, w = data
    order = list(range(len(x)))
    random.shuffle(order)
    assert_same(kind, build(kind, x[order], None if w is None else w[order]), build(kind, x, w))


@every
@given(rows(), st.data())
@LAW
def test_weights_are_repetitions(kind: Kind, data: tuple[Array, Array | None], draw: st.DataObject) -> None:
    x, _ = data
    times = draw.draw(arrays(np.int64, (len(x),), elements=st.integers(0, 4)))
    repeated = build(kind, np.repeat(x, times, axis=0))
    assert_same(kind, build(kind, x, times.astype(float)), repeated, without=kind.of_rows)
    assert_same(kind, build(kind, x, np.ones(len(x))), build(kind, x), "weights of 1")


@every
@given(rows(1))
@LAW
def test_rows_of_weight_0_are_left_out(kind: Kind, data: tuple[Array, Array | None]) -> None:
    x, w = data
    far = kind.rows(np.full((2, WIDTH), np.nan))
    for value in kind.far:
        far[:] = value
        more = np.concatenate([far[:1], kind.rows(x), far[1:]])
        weights = np.concatenate([[0.0], ones(x, w), [0.0]])
        got = kind.cls.of(more, weights, **kind.params(ALL))
        want = kind.cls.of(kind.rows(x), ones(x, w), **kind.params(ALL))
        assert_same(kind, got, want, f"with rows of {value}")


@every
@given(rows())
@LAW
def test_nan_policy(kind: Kind, data: tuple[Array, Array | None]) -> None:
    x, w = data
    w = ones(x, w)
    whole = kind.seen(build(kind, x, w))
    if kind.nan == "row":
        full = ~np.isnan(x).any(axis=1)
        assert_same(kind, build(kind, x, w), build(kind, x[full], w[full]))
    elif kind.nan == "entry":
        for j in ALL:
            real = ~np.isnan(x[:, j])
            alone = kind.seen(build(kind, x[real], w[real], [j]))
            for name, (value, op) in whole.items():
                if kind.cls is Counts:
                    continue
                if name in ("whole", "size", "at"):
                    continue  # whether weights are whole is known of rows, NaN or not
                compare(value[..., [j]], alone[name][0], op, f"{kind.cls.__name__} column {j}: {name}")
            if kind.cls is Counts:
                for name in ("values", "weights"):
                    compare(whole[f"{name} {j}"][0], alone[f"{name} 0"][0], "exact", name)
    else:
        assert kind.nan == "value"
        holed = np.full((1, WIDTH), np.nan)
        assert np.isnan(build(kind, holed).rows).all()
        assert build(kind, holed).weights.sum() == 1


@every
def test_nan_everywhere(kind: Kind) -> None:
    x = np.full((4, WIDTH), np.nan)
    if kind.nan == "value":
        assert build(kind, x).weights.tolist() == [4.0]  # one row, four times
    else:
        assert_same(kind, build(kind, x), nothing(kind))


OFFSETS = [0.0, 1e8, -1e8, 1e12]


@pytest.mark.parametrize("chunk", [1, 7, 400])
@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("order", [2, 3, 4])
def test_an_offset_costs_moments_no_digits(order: int, offset: float, chunk: int) -> None:
    """Against fractions: the center in units of the spread, the spread and the shape, by one-row chunks too."""
    x = rng("offset of moments").gamma(2.0, [1.0, 3e-4, 50.0], (400, WIDTH)) + offset
    w = rng("offset of moments, weights").integers(0, 4, len(x)).astype(float)
    got = Moments.identity(WIDTH, order=order)
    for start in range(0, len(x), chunk):
        got = got.merge(Moments.of(x[start : start + chunk], w[start : start + chunk], order=order))
    want = moments_naive(x, w, {"order": order})
    for name, (value, op) in moments_seen(got).items():
        compare(value, want[name], op, name)
    for j in range(WIDTH):  # the mean to the last digits of the spread, which one float does not hold
        real = entries(x, w, j)
        mean = sum(a * v for v, a in real) / sum(a for _, a in real)
        held = (Fraction(got.origin[j]) + Fraction(got.shift[j])) * Fraction(2) ** int(got.exponent[j])
        deviation = float((held - mean) / Fraction(got.std[j]))
        assert_close([1.0, deviation], [1.0, 0.0], op="merge", what=f"mean of column {j}")


@pytest.mark.parametrize("chunk", [1, 7, 400])
@pytest.mark.parametrize("offset", OFFSETS)
def test_an_offset_costs_comoments_no_digits(offset: float, chunk: int) -> None:
    g = rng("offset of comoments")
    x = g.normal(size=(200, WIDTH)) @ g.normal(size=(WIDTH, WIDTH)) + offset
    got = CoMoments.identity(WIDTH)
    for start in range(0, len(x), chunk):
        got = got.merge(CoMoments.of(x[start : start + chunk]))
    want = comoments_naive(x, np.ones(len(x)), {})
    for name, (value, op) in comoments_seen(got).items():
        compare(value, want[name], op, name)


@every
@pytest.mark.parametrize("offset", [1e8, -1e8])
def test_an_offset_changes_nothing_else(kind: Kind, offset: float) -> None:
    """On a grid of 1/64 the offset is exact: what merges there is what merges here."""
    x = np.round(rng("grid").normal(size=(40, WIDTH)) * 64) / 64 + offset
    w = rng("grid, weights").integers(0, 4, len(x)).astype(float)
    parts = [build(kind, x[i : i + 1], w[i : i + 1]) for i in range(len(x))]
    merged = nothing(kind)
    for part in parts:
        merged = merged.merge(part)
    assert_same(kind, merged, build(kind, x, w))
    want = kind.naive(kind.rows(x), w, kind.params(ALL))
    for name, (value, op) in kind.seen(merged).items():
        compare(value, want[name], "elementwise" if name == "at" else op, name)


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e-20, 1e20, 1e150, 1e300])
@pytest.mark.parametrize("order", [2, 4])
def test_moments_at_any_scale(scale: float, order: int) -> None:
    x = rng("scale of moments").normal(size=(50, WIDTH)) * scale
    w = rng("scale of moments, weights").integers(0, 4, len(x)).astype(float)
    want = moments_naive(x, w, {"order": order})
    merged = Moments.of(x[:20], w[:20], order=order).merge(Moments.of(x[20:], w[20:], order=order))
    for got in (Moments.of(x, w, order=order), merged):
        for name, (value, op) in moments_seen(got).items():
            compare(value, want[name], op, name)


def test_moments_of_long_columns() -> None:
    """More entries than one block holds."""
    d = 3000
    x = rng("long").gamma(2.0, size=(90, d)) + 1e6
    x[rng("long, missing").random(x.shape) < 0.1] = np.nan
    w = rng("long, weights").integers(0, 3, len(x)).astype(float)
    at = slice(d // 2, d // 2 + WIDTH)
    for weights in (None, w):
        got, few = Moments.of(x, weights, order=4), moments_naive(x[:, at], ones(x, weights), {"order": 4})
        for name, (value, op) in moments_seen(got).items():
            compare(value[..., at], few[name], op, name)
    parts = [(lifted(x), None), (lifted(x), w)]
    many = [d // WIDTH * list(v) for v in (LEAST, GREATEST, TILTS)]
    params = {"geometry": PowerGeometry(np.sort(many[0])[::-1], np.sort(many[1])[::-1]), "tilt": np.sort(many[2])}
    for rows, weights in parts:
        whole = PowerLikelihood.of(rows, weights, **params)
        merged = PowerLikelihood.identity(d, **params)
        for i in range(len(rows)):
            merged = merged.merge(
                PowerLikelihood.of(rows[i : i + 1], None if weights is None else weights[i : i + 1], **params)
            )
        for name, (value, op) in power_seen(whole).items():
            compare(value, power_seen(merged)[name][0], op, name)


def test_a_constant_has_no_spread() -> None:
    for value in (0.1, 1e12 + 0.1, -3e-300, 1e300):
        parts = [Moments.of(np.full((n, 1), value), order=4) for n in (3, 1, 5)]
        for got in (Moments.of(np.full((9, 1), value), order=4), parts[0].merge(parts[1]).merge(parts[2])):
            assert got.std[0] == 0
            assert got.mean[0] == value
            assert np.isnan(got.skewness[0])
            assert got.affine()[1][0] == 1.0


@pytest.mark.parametrize("kind", [KINDS["Moments(4)"], KINDS["CoMoments"]], ids=["Moments", "CoMoments"])
def test_aggregates_hold_no_row(kind: Kind) -> None:
    """What is sent to others says `none`: no value of the data may stand in any field."""
    assert kind.cls.discloses == "none"
    x = rng("rows that nobody may see").normal(size=(6, WIDTH))
    held = np.concatenate([np.ravel(v) for v in build(kind, x).to_dict().values() if not isinstance(v, str)])
    assert not np.isin(x, held).any()


@every
def test_round_trip(kind: Kind) -> None:
    x = np.array([[1.0, np.nan, 2.0], [0.5, 3.0, -1.0], [1.0, 4.0, -0.0]])
    s = build(kind, x, np.array([1.0, 0.5, 2.0])).merge(build(kind, x[:1]))
    record = s.to_dict()
    assert record["state"] == kind.cls.__name__
    back = State.from_dict(record)
    assert type(back) is kind.cls
    assert bits(back) == bits(s)
    assert State.from_dict(nothing(kind).to_dict()).merge(back) is not None
    for name in set(record) - {"state"}:
        with pytest.raises(FitError, match=r"from_dict: expected the fields .*" + name):
            State.from_dict({k: v for k, v in record.items() if k != name})
    with pytest.raises(FitError, match=r"got .*extra"):
        State.from_dict({**record, "extra": 1})
    with pytest.raises(UnknownNameError, match="did you mean"):
        State.from_dict({**record, "state": kind.cls.__name__ + "x"})
    with pytest.raises(UnknownNameError, match="None"):
        State.from_dict({k: v for k, v in record.items() if k != "state"})


@merging
def test_unlike_parameters_do_not_merge(kind: Kind) -> None:
    x = np.arange(6.0).reshape(2, WIDTH)
    s = build(kind, x)
    for params in kind.unlike:
        other = kind.cls.of(kind.rows(x), **params)
        for a, b in ((s, other), (other, s), (s, kind.cls.identity(WIDTH, **params))):
            with pytest.raises(FitError, match=rf"{kind.cls.__name__}\.merge: expected"):
                a.merge(b)


@every
def test_unlike_widths_and_classes_do_not_merge(kind: Kind) -> None:
    """NumPy would broadcast one column over three."""
    x = np.arange(6.0).reshape(2, WIDTH)
    for a, b in itertools.permutations([build(kind, x), build(kind, x, columns=[0])]):
        with pytest.raises(FitError, match=rf"{kind.cls.__name__}\.merge: expected"):
            a.merge(b)
    if kind.cls is not PowerLikelihood:
        other = Extrema if kind.cls is not Extrema else Moments
        with pytest.raises(FitError, match=f"expected another {kind.cls.__name__}, got {other.__name__}"):
            build(kind, x).merge(other.of(x))


@every
def test_size_does_not_grow(kind: Kind) -> None:
    x = rng("size").normal(size=(1000, WIDTH))
    small, large = build(kind, x[:10]), build(kind, x)
    merged = small
    for start in range(10, 1000, 99):
        merged = merged.merge(build(kind, x[start : start + 99]))
    if kind.grows:
        assert large.nbytes == merged.nbytes > 20 * small.nbytes
    else:
        assert large.nbytes == merged.nbytes == small.nbytes
    assert small.nbytes > 0


def test_counts_grow_with_distinct_values_only() -> None:
    x = rng("ties").integers(0, 5, (10_000, 2)).astype(float)
    assert Counts.of(x).nbytes == Counts.of(x[:100]).nbytes


@every
def test_repr_and_defaults(kind: Kind) -> None:
    """Integers and lists of rows do as well as floats."""
    x = [[1, 2, 3], [4, 5, 6], [7, 8, 10]]
    if kind.cls is PowerLikelihood:
        return
    assert_same(kind, kind.cls.of(np.array(x), **kind.params(ALL)), kind.cls.of(np.array(x, float), **kind.params(ALL)))


# what single classes promise


def test_moments_refuses_other_orders() -> None:
    for order in (1, 5, 2.5, "2"):
        with pytest.raises(OptionError, match=r"Moments\(order\): expected 2, 3 or 4, got"):
            Moments.of(np.ones((2, 1)), order=order)  # type: ignore[arg-type]


def test_histogram_refuses_edges_of_another_width() -> None:
    with pytest.raises(FitError, match=r"expected edges of shape \(1, k\), got shape \(3, 4\)"):
        Histogram.of(np.ones((2, 1)), edges=EDGES)


def test_histogram_bins_are_closed_on_the_right() -> None:
    got = Histogram.of(np.array([[0.0], [1.0], [1.5], [9.0], [-9.0]]), edges=np.array([[0.0, 1.0, 2.0]]))
    assert got.counts.tolist() == [[2.0, 1.0, 1.0, 1.0]]


def test_counts_of_strings() -> None:
    x = np.array([["b", "x"], ["a", "x"], [None, "x"], ["b", "y"]], dtype=object)
    s = Counts.of(x[:2]).merge(Counts.of(x[2:]))
    assert [v.tolist() for v in s.values] == [["a", "b"], ["x", "y"]]
    assert [w.tolist() for w in s.weights] == [[1.0, 2.0], [3.0, 1.0]]
    assert Counts.of(np.array([["b"], ["a"], ["b"]])).weights[0].tolist() == [1.0, 2.0]
    assert [w.tolist() for w in Counts.of(x, np.array([2.0, 0.0, 1.0, 1.0])).weights] == [[3.0], [3.0, 1.0]]


def test_counts_do_not_mix_numbers_and_strings() -> None:
    """As strings, 1 and 1.0 are two values, and which one depends on the batch."""
    numbers, strings = np.array([[1], [2]], dtype=object), np.array([["a"]], dtype=object)
    with pytest.raises(FitError, match=r"Counts\.merge: expected numbers or strings, got both in column 0"):
        Counts.of(numbers).merge(Counts.of(strings))
    with pytest.raises(DataError, match=r"Counts\.of\(x\): expected numbers or strings, got 1 among strings in column 0"):
        Counts.of(np.concatenate([numbers, strings]))
    assert Counts.of(numbers).merge(Counts.identity(1)).merge(Counts.of(np.array([[2.0]]))).weights[0].tolist() == [1.0, 2.0]


def test_keys_are_in_the_order_of_floats() -> None:
    x = np.array([-np.inf, -1e308, -1.0, -5e-324, 0.0, 5e-324, 1e-300, 1.0, 1.0 + 2**-52, 1e308, np.inf])
    keys = keys_of(x)
    assert (np.diff(keys) > 0).all()
    assert keys.tolist() == [key_naive(v) for v in x.tolist()]
    assert values_of(keys).tolist() == x.tolist()
    assert keys_of(np.array([-0.0])) == keys_of(np.array([0.0]))
    assert np.signbit(values_of(keys_of(np.array([-0.0]))))[0] == np.False_


# quantiles beyond the limit


def summary(x: Array, w: Array | None, limit: int, pieces: int, name: str) -> Quantiles:
    """Merge pieces of different sizes along a random tree."""
    g = rng(name)
    cuts = np.sort(g.integers(0, len(x), pieces - 1))
    parts = [Quantiles.of(a, None if b is None else b, limit=limit) for a, b in _cut(x, w, cuts)]
    while len(parts) > 1:
        i, j = sorted(g.choice(len(parts), 2, replace=False).tolist())
        merged = parts[i].merge(parts[j])
        parts = [*parts[:i], *parts[i + 1 : j], *parts[j + 1 :], merged]
    return parts[0]


def _cut(x: Array, w: Array | None, cuts: Array) -> list[tuple[Array, Array | None]]:
    xs = np.split(x, cuts)
    return list(zip(xs, [None] * len(xs) if w is None else np.split(w, cuts), strict=True))


GRID = np.linspace(0, 1, 252)


@pytest.mark.parametrize("pieces", [2, 9, 60])
@pytest.mark.parametrize("weighted", [False, True])
def test_quantiles_beyond_the_limit_are_within_their_rank_error(pieces: int, weighted: bool) -> None:
    n, limit = 60_000, 2_000
    g = rng(f"summaries {pieces} {weighted}")
    x = np.column_stack([g.standard_cauchy(n), np.sort(g.normal(size=n)), g.integers(0, 9, n)]).astype(float)
    x[g.random(n) < 0.1, 1] = np.nan
    w = g.integers(0, 4, n).astype(float) if weighted else None
    got = summary(x, w, limit, pieces, f"tree {pieces} {weighted}")
    assert len(got.rows) <= limit
    assert 0 < got.rank_error < 20 / 8192
    at = got.at(GRID)
    for j in range(WIDTH):
        real = ~np.isnan(x[:, j])
        real &= ones(x, w) > 0
        values, weights = x[real, j], ones(x, w)[real]
        order = np.argsort(values, kind="stable")
        values, cumulated = values[order], np.cumsum(weights[order])
        total = cumulated[-1]
        assert_close(got.count[j], total, op="merge")
        # of each quantile found: the ranks it may have must come within the error of the rank asked
        below = np.concatenate([[0.0], cumulated])[np.searchsorted(values, at[:, j], side="left")] / total
        above = np.concatenate([[0.0], cumulated])[np.searchsorted(values, at[:, j], side="right")] / total
        miss = np.maximum(np.maximum(below - GRID, GRID - above), 0.0)
        assert miss.max() <= got.rank_error, f"column {j}: {miss.max()} over {got.rank_error}"
        if j < 2:  # without ties the points stand in the middle of what they stand for
            inner = slice(1, -1)
            lean = float(np.mean((0.5 * (below + above) - GRID)[inner]))
            assert abs(lean) < 0.25 / 8192, f"column {j} leans by {lean * 8192} points"
        assert at[0, j] == values[0]
        assert at[-1, j] == values[-1]
        assert (np.diff(at[:, j]) >= 0).all()


def test_quantiles_up_to_the_limit_are_exact() -> None:
    x = rng("up to the limit").normal(size=(2000, WIDTH))
    got = summary(x, None, 2000, 7, "tree up to the limit")
    assert got.rank_error == 0
    assert np.array_equal(got.at(GRID), Quantiles.of(x).at(GRID))
    assert_close(got.at(GRID), np.quantile(x, GRID, axis=0), op="elementwise")


def test_quantiles_bytes_stay_bounded() -> None:
    x = rng("bytes").normal(size=(40_000, 1))
    got, seen = Quantiles.identity(1, limit=500), []
    for start in range(0, len(x), 500):
        got = got.merge(Quantiles.of(x[start : start + 500], limit=500))
        seen.append(got.nbytes)
    per_level = 8 * (8192 + 2)
    assert max(seen) <= per_level * (1 + math.ceil(math.log2(len(seen)))) + 8 * 2 * 500 + 200
    assert seen[-1] < 8 * len(x)


def test_quantiles_of_one_batch_are_exact_whatever_its_size() -> None:
    x = rng("one batch").normal(size=(300, 1))
    assert np.array_equal(Quantiles.of(x, limit=10).at(GRID), Quantiles.of(x).at(GRID))


# the sample


def test_every_distinct_row_is_as_likely() -> None:
    """Over seeds, how often a row is kept: chi-squared of k out of n, whether it is there once or fifty times."""
    x = np.repeat(np.arange(40.0)[:, None], np.r_[np.ones(20, int), np.full(20, 50)], axis=0)
    k, seeds = 8, 1500
    kept = np.zeros(40)
    for seed in range(seeds):
        kept[Sample.of(x, k=k, seed=seed).rows[:, 0].astype(int)] += 1
    p = k / 40
    # without replacement: the 40 counts vary less than independent ones, by (40 - 1) / 40 of the sum
    chi2 = ((kept - seeds * p) ** 2 / (seeds * p * (1 - p))).sum() * 39 / 40
    assert kept.sum() == seeds * k
    assert 12 < chi2 < 80  # beyond the 0.0001 and the 0.9999 quantile of chi-squared with 39 degrees
    assert abs(kept[:20].sum() - kept[20:].sum()) < 5 * math.sqrt(seeds * 40 * p * (1 - p))


def test_a_sample_does_not_depend_on_the_split() -> None:
    x = rng("sample").integers(0, 6, (300, 2)).astype(float)
    w = rng("sample, weights").integers(0, 5, 300) / 4
    whole = Sample.of(x, w, k=10, seed=3)
    totals = {tuple(r): sum(w[(x == r).all(axis=1)]) for r in np.unique(x, axis=0)}
    assert [totals[tuple(r)] for r in whole.rows] == whole.weights.tolist()
    for pieces in (2, 17, 300):
        parts = [
            Sample.of(a, b, k=10, seed=3) for a, b in zip(np.array_split(x, pieces), np.array_split(w, pieces), strict=True)
        ]
        order = rng(f"sample {pieces}").permutation(pieces)
        merged = Sample.identity(2, k=10, seed=3)
        for i in order:
            merged = merged.merge(parts[i])
        assert np.array_equal(merged.rows, whole.rows)
        assert np.array_equal(merged.weights, whole.weights)


@pytest.mark.parametrize("seed", [-1, 2**63, 2**64 - 1])
def test_any_seed_will_do(seed: int) -> None:
    x = np.arange(50.0)[:, None]
    assert not np.array_equal(Sample.of(x, k=5, seed=seed).rows, Sample.of(x, k=5).rows)


# no matrix products: they wake threads, for seconds, now and then

PRODUCTS = {"dot", "matmul", "tensordot", "vdot", "inner", "linalg", "multi_dot"}
ALLOWED = {("comoments.py", "CoMoments", "of")}


def products(source: str, name: str) -> list[str]:
    """Places in a module, outside the allowed ones, that call for a matrix product."""
    found = []

    class Visitor(ast.NodeVisitor):
        def __init__(self) -> None:
            self.path: tuple[str, ...] = (name,)

        def scope(self, node: Any) -> None:
            self.path += (node.name,)
            self.generic_visit(node)
            self.path = self.path[:-1]

        visit_ClassDef = visit_FunctionDef = scope

        def note(self, node: Any, what: str) -> None:
            if self.path not in ALLOWED:
                found.append(f"{':'.join(self.path)}:{node.lineno}: {what}")

        def visit_BinOp(self, node: ast.BinOp) -> None:
            if isinstance(node.op, ast.MatMult):
                self.note(node, "@")
            self.generic_visit(node)

        def visit_Attribute(self, node: ast.Attribute) -> None:
            if node.attr in PRODUCTS:
                self.note(node, node.attr)
            self.generic_visit(node)

        def visit_Name(self, node: ast.Name) -> None:
            if node.id in PRODUCTS:
                self.note(node, node.id)

        def visit_Call(self, node: ast.Call) -> None:
            if any(k.arg == "optimize" for k in node.keywords):  # einsum that goes to BLAS
                self.note(node, "einsum(optimize)")
            self.generic_visit(node)

    Visitor().visit(ast.parse(source))
    return found


def test_states_use_no_matrix_products() -> None:
    files = [*sorted((CORE / "states").glob("*.py")), Path(rank.__file__), Path(power.__file__), Path(state.__file__)]
    assert len(files) > 8
    assert [hit for path in files for hit in products(path.read_text(encoding="utf-8"), path.name)] == []
    assert "@ deviation" in (CORE / "states" / "comoments.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "line",
    ["y = x @ x", "y = np.dot(x, x)", "y = x.dot(x)", "y = np.linalg.norm(x)", "y = np.einsum('ij', x, optimize=True)"],
)
def test_the_lint_finds_products(line: str) -> None:
    assert len(products(f"class A:\n    def of(self, x):\n        {line}\n", "a.py")) == 1
