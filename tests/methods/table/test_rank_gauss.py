"""Evidence for table.rank_gauss."""

import math
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import rankdata

import renorm
from renorm.core.engine import Shards
from renorm.testing import Case, assert_close, rng

METHOD = "table.rank_gauss"
OPS = {"y": "root", "scores_": "root", "log_abs_det": "root", "back": "root", "values_": "exact"}  # inv_cdf is good to 1e-10


def cases():
    r = rng("rank_gauss")
    x = np.column_stack([r.normal(5, 3, 29), np.round(r.exponential(3, 29)), np.full(29, 0.1), r.standard_cauchy(29)])
    holes = np.where(r.random(x.shape) < 0.2, np.nan, x)
    w = r.integers(0, 5, 29).astype(float)
    new = np.vstack([x + 0.01, r.normal(5, 3, (6, 4)), np.full((1, 4), 1e9), np.full((1, 4), -1e9)])
    far = np.column_stack(
        [np.clip(r.normal(size=29), -1, 1) * 1.7e308, r.normal(size=29) * 1e-300, np.round(9 * r.normal(size=29)) * 5e-324]
    )
    infinite = np.vstack([x, [[np.inf, -np.inf, np.inf, 1.0]], [[np.inf, 3.0, -np.inf, -np.inf]]])
    return [
        Case("plain", x),
        Case("new", x, {}, {"x_new": new}),
        Case("missing", holes, {}, {"x_new": new}),
        Case("weights", holes, {}, {"sample_weight": w, "x_new": new}),
        Case("fractional weights", x, {}, {"sample_weight": r.random(29)}),
        Case("hazen", holes, {"offset": 0.5}, {"x_new": new}),
        Case("van der waerden", x, {"offset": 0}),
        Case("far", far),
        Case("infinite", infinite, {"offset": 1 / 3}),
    ]


def scores(column, weights, offset):
    """Distinct values with the normal scores of their middle ranks; weights that are no whole numbers sum to the rows."""
    pairs = [(v, Fraction(k)) for v, k in zip(column, weights, strict=True) if v == v and k > 0]
    total = sum(k for _, k in pairs)
    n = total if all(k.denominator == 1 for _, k in pairs) else len(pairs)
    out = []
    for value in sorted({v for v, _ in pairs}):
        below = sum(k for v, k in pairs if v < value) * n / total
        tied = sum(k for v, k in pairs if v == value) * n / total
        rank = below + (tied + 1) / 2
        out.append((value, NormalDist().inv_cdf(float((rank - offset) / (n + 1 - 2 * offset)))))
    return out


def image(v, known):
    """The score, interpolated; and the log of the slope to the right (of the last piece at the end)."""
    first, last = known[0], known[-1]
    if v < first[0] or v > last[0]:
        return (first if v < first[0] else last)[1], -math.inf
    if len(known) == 1:
        return first[1], -math.inf
    k = min(max(i for i, (u, _) in enumerate(known) if u <= v), len(known) - 2)
    (a, za), (b, zb) = known[k], known[k + 1]
    if v in (a, b):
        y = za if v == a else zb
    elif math.isinf(a) or math.isinf(b):
        y = zb if math.isinf(a) else za
    else:
        y = za + (zb - za) * float((Fraction(v) - Fraction(a)) / (Fraction(b) - Fraction(a)))
    run = math.inf if math.isinf(a) or math.isinf(b) else Fraction(b) - Fraction(a)
    return y, -math.inf if run == math.inf else math.log(zb - za) - math.log(run.numerator) + math.log(run.denominator)


def oracle(case):
    offset = Fraction(case.options.get("offset", 0.375))
    w = case.extra.get("sample_weight", np.ones(len(case.x)))
    new = case.extra.get("x_new", case.x)
    y, back, log_det = np.full(new.shape, np.nan), np.full(new.shape, np.nan), np.zeros(len(new))
    columns = [scores(column, w.tolist(), offset) for column in case.x.T.tolist()]
    grid = np.full((2, max(len(c) for c in columns), new.shape[1]), np.nan)
    for j, known in enumerate(columns):
        grid[:, : len(known), j] = np.array(known).T
        for i, v in enumerate(new[:, j].tolist()):
            if v == v:
                y[i, j], slope = image(v, known)
                back[i, j] = min(max(v, known[0][0]), known[-1][0])
                log_det[i] += slope
    out = {"y": y, "back": back, "values_": grid[0], "scores_": grid[1]}
    return out if case.id in ("far", "infinite") else {**out, "log_abs_det": log_det}


def test_the_plotting_positions():
    """Against SciPy's ranks, ties at their middle."""
    x = np.round(rng("rank_gauss positions").normal(0, 2, 40))
    n, ranks = 40, rankdata(x)
    positions = {0.375: (ranks - 3 / 8) / (n + 1 / 4), 0.5: (ranks - 0.5) / n, 0.0: ranks / (n + 1)}
    for offset, p in positions.items():
        y = renorm.get(METHOD)(offset=offset).fit_transform(x[:, None])[:, 0]
        assert_close(y, [NormalDist().inv_cdf(q) for q in p], op="root", what=str(offset))


def test_infinite_values_between_and_beyond():
    method = renorm.get(METHOD)().fit([[-np.inf], [1.0], [4.0], [np.inf]])
    known = method.scores_[:, 0]
    y = method.transform([[-np.inf], [-1e300], [1.0], [2.0], [4.0], [1e300], [np.inf]])[:, 0]
    between = known[1] + (known[2] - known[1]) / 3
    assert_close(y, [known[0], known[1], known[1], between, known[2], known[2], known[3]], op="reduction")
    assert_close(method.inverse_transform(known[:, None]), method.values_, op="exact")


def test_fitted_values_come_back_exactly():
    for case in cases():
        method = renorm.get(METHOD)(**case.options).fit(case.x)
        assert_close(method.inverse_transform(method.transform(case.x)), case.x, op="exact", what=case.id)


def test_an_empty_column_is_refused_at_transform():
    method = renorm.get(METHOD)().fit([[np.nan, 1.0], [np.nan, 2.0]])
    assert np.isnan(method.values_[:, 0]).all()
    assert renorm.get(METHOD)().fit([[np.nan]]).values_.shape == (1, 1)
    for x in ([[1.0, 1.0]], [[np.nan, 1.0], [1.0, 2.0]]):
        with pytest.raises(ValueError, match="column 0, row"):
            method.transform(x)


def test_a_flat_column_has_no_volume():
    method = renorm.get(METHOD)().fit([[2.0, 1.0], [2.0, 3.0]])
    assert method.log_abs_det([[2.0, 1.5], [np.nan, 1.5]]).tolist()[0] == -np.inf
    assert np.isfinite(method.log_abs_det([[np.nan, 1.5]])).all()


def test_long_columns_in_pieces_are_within_the_stated_rank_error():
    x = rng("rank_gauss long").normal(size=(60_001, 1))
    method = renorm.get(METHOD)().fit_on(Shards([x[i : i + 9_001] for i in range(0, len(x), 9_001)], seed=1))
    p = [NormalDist().cdf(v) for v in method.transform(x)[:, 0]]
    (state,) = method._states
    assert 0 < np.max(np.abs(p - rankdata(x) / len(x))) <= state.rank_error


def test_an_offset_outside_its_range_is_refused():
    for offset in (-0.01, 0.51, 1, np.nan):
        with pytest.raises(ValueError, match="offset"):
            renorm.get(METHOD)(offset=offset).fit([[1.0], [2.0]])
