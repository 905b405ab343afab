"""A result is data: lossless JSON, a frame, an answer in words."""

import json

import pytest

import renorm
from renorm.comparison import Metric, Plan, Split, judge
from renorm.comparison.result import Comparison, Cost
from renorm.core.errors import FileError
from renorm.testing import assert_close, rng

METRIC = Metric("accuracy", "accuracy", True, 0.01, "")


def plan(n=20, ratio=0.25):
    return Plan(tuple(Split(i, i // 5, i % 5, [], [], i) for i in range(n)), "made up", 5, n // 5, ratio)


def made(gaps, costs=None, noise=0.002, n=20):
    """A comparison whose methods differ from the baseline by known gaps."""
    random = rng("made " + str(gaps))
    estimators = list(next(iter(gaps.values())))
    base = random.uniform(0.7, 0.8, n)
    scores = {}
    for m, by in gaps.items():
        jitter = 0.0 if m == "standard" else noise
        scores[m] = {e: list(base + by[e] + jitter * random.normal(size=n)) for e in estimators}
    cost = {m: dict.fromkeys(estimators, Cost((costs or {}).get(m, 1.0), 0.0, 1.0, 10)) for m in gaps}
    records = judge(scores, metric=METRIC, plan=plan(n), baseline="standard", identity="identity", costs=cost)
    settings = {
        "methods": list(gaps), "baseline": "standard", "identity": "identity", "estimators": estimators,
        "estimator_labels": {e: e for e in estimators}, "name": "made up",
    }  # fmt: skip
    return Comparison(records, (), scores, settings)


def test_verdicts_follow_the_gaps():
    result = made(
        {"identity": {"k": -0.2}, "standard": {"k": 0.0}, "up": {"k": 0.1}, "same": {"k": 0.001}, "near": {"k": 0.0105}}
    )
    verdicts = {r.method: r.verdict for r in result.records}
    assert verdicts == {
        "identity": "worse",
        "standard": "equivalent",
        "up": "better",
        "same": "equivalent",
        "near": "cannot tell",
    }
    assert result.record("up", "k").versus_identity.verdict == "better"
    assert result.record("identity", "k").versus_identity.reason == "the reference itself"
    assert result.best_ == "up"
    assert "Better than standard: up for k." in result.answer


def test_baseline_and_identity_are_one_comparison_with_two_signs():
    result = made({"identity": {"k": -0.2}, "standard": {"k": 0.0}})
    a, b = result.record("identity", "k"), result.record("standard", "k").versus_identity
    assert (a.verdict, b.verdict) == ("worse", "better")
    assert a.difference == -b.difference and a.p_required == b.p_required
    assert_close(a.p_required, 0.975, op="reduction")


def test_cheapest_not_worse_where_nothing_is_better():
    gaps = {"identity": {"k": 0.0005}, "standard": {"k": 0.0}, "same": {"k": 0.0002}}
    assert made(gaps, {"identity": 0.1, "standard": 1.0, "same": 2.0}).best_ == "identity"
    assert made(gaps, {"identity": 3.0, "standard": 1.0, "same": 0.5}).best_ == "same"
    assert "for k there is no practical difference" in made(gaps).answer
    assert "For k all methods are equivalent." in made(gaps).answer


def test_better_somewhere_worse_elsewhere_is_not_taken():
    result = made({"identity": {"a": -0.2, "b": -0.2}, "standard": {"a": 0.0, "b": 0.0}, "mixed": {"a": 0.1, "b": -0.1}})
    assert result.best_ == "standard"
    assert "Better than standard: mixed for a." in result.answer


def test_errors_count_the_other_way():
    error = Metric("rmse", "RMSE", False, 0.01, "")
    scores = {"identity": {"k": [3.0, 3.1, 3.0, 3.2, 3.1]}, "standard": {"k": [1.0, 1.1, 1.2, 1.0, 1.1]}}
    r = judge(scores, metric=error, plan=plan(5), baseline="standard", identity="identity")[0]
    assert r.verdict == "worse"
    assert_close([r.difference, r.score], [-2.0, 3.08], op="reduction")


def test_json_is_lossless_and_refuses_other_things():
    X = rng("lossless").normal(size=(30, 2))
    y = (X[:, 0] > 0).astype(int)
    result = renorm.compare(X, y, estimators=["knn"], folds=3, repeats=2, jobs=1, name="tr\u00e8s </script> \ud800")
    again = Comparison.from_json(result.to_json())
    assert again == result and again.to_dict() == result.to_dict() and again.best_ == result.best_
    assert json.loads(result.to_json())["records"][0]["verdict"] in ("better", "equivalent", "worse", "cannot tell")
    for text in ("{", "[]", '{"format": 99}', '{"format": 1}'):
        with pytest.raises(FileError):
            Comparison.from_json(text)


def test_frame_has_a_row_for_each_record(monkeypatch):
    import sys

    result = made({"identity": {"a": 0.0, "b": 0.0}, "standard": {"a": 0.0, "b": 0.0}})
    frame = result.to_frame()
    assert frame.shape[0] == 4 and list(frame["verdict"]) == [r.verdict for r in result.records]
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert result.to_frame().column("difference").to_pylist() == [r.difference for r in result.records]


def test_cheap_but_perhaps_worse_is_not_taken():
    gaps = {"identity": {"k": -0.015}, "standard": {"k": 0.0}}
    result = made(gaps, {"identity": 0.1, "standard": 1.0}, noise=0.02)
    r = result.record("identity", "k")
    assert r.verdict == "cannot tell" and r.p_worse > 0.05
    assert result.best_ == "standard"
