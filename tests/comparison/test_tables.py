"""The table task: pairing, no leaks, roles of columns, refusals."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit, TimeSeriesSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

import renorm
from renorm.comparison import Budget, TableTask, Task, evaluate
from renorm.comparison.columns import columns_of
from renorm.core.errors import DataError, OptionError, ShapeError, UnknownNameError
from renorm.testing import assert_close, rng
from renorm.testing.tolerance import TABLE

FAST = {"folds": 3, "repeats": 2, "jobs": 1}


def data(name="table", n=60):
    random = rng(name)
    y = random.integers(0, 2, n)
    X = random.normal(size=(n, 3)) * [1.0, 50.0, 1e3] + y[:, None] * [1.5, 0.0, 0.0]
    return X, y


class Spy(TransformerMixin, BaseEstimator):
    """Passes rows through; remembers which ones it saw (their number stands in the first column)."""

    seen = []

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        Spy.seen.append(("fit", frozenset(X[:, 0].tolist()), y))
        return self

    def transform(self, X):
        Spy.seen.append(("transform", frozenset(X[:, 0].tolist()), None))
        return X


class Fails(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        raise ValueError("no way\nand more")

    def transform(self, X):
        return X


def test_tasks_follow_the_protocol():
    X, y = data()
    assert isinstance(TableTask(X, y), Task)


def test_normalizer_sees_training_rows_alone_and_never_the_target():
    _, y = data()
    X = np.column_stack([np.arange(60.0), rng("spy").normal(size=60)])
    task = TableTask(X, y, methods={"spy": Spy()}, estimators=["knn"], folds=3, repeats=1)
    Spy.seen.clear()
    for split in task.plan.splits:
        task.run("spy", split, split.seed)
        train, test = (frozenset(X[rows, 0].tolist()) for rows in (split.train, split.test))
        assert not train & test
        assert Spy.seen == [("fit", train, None), ("transform", train, None), ("transform", test, None)]
        Spy.seen.clear()


def test_imputer_comes_after_the_normalizer_and_learns_from_training_rows():
    X, y = data()
    X[::7, 1] = np.nan
    seen = {}

    class Sees(KNeighborsClassifier):
        def fit(self, X, y):
            seen["train"] = X.copy()
            return super().fit(X, y)

    task = TableTask(X, y, estimators={"sees": Sees()}, folds=3, repeats=1)
    split = task.plan.splits[1]
    task.run("standard", split, split.seed)
    train = X[split.train]
    want = (train - np.nanmean(train, axis=0)) / np.nanstd(train, axis=0)
    holes = np.isnan(want)
    want[holes] = np.broadcast_to(np.nanmedian(want, axis=0), want.shape)[holes]
    assert_close(seen["train"], want, op="reduction")
    assert any("missing values" in n for n in task.describe()["notes"])


def test_same_result_for_any_number_of_jobs():
    X, y = data()

    def numbers(jobs):
        result = renorm.compare(X, y, estimators=["knn", "logistic"], folds=3, repeats=2, jobs=jobs).to_dict()
        for r in result["records"]:
            r.pop("cost")
        result["settings"].pop("seconds")
        return result

    assert numbers(1) == numbers(2)


def test_scores_are_those_of_a_plain_pipeline():
    from sklearn.metrics import accuracy_score

    X, y = data()
    result = renorm.compare(X, y, methods=["standard"], estimators=["knn"], **FAST)
    task = TableTask(X, y, folds=3, repeats=2)
    for split, got in zip(task.plan.splits, result.scores["standard"]["knn"], strict=True):
        mean, std = X[split.train].mean(axis=0), X[split.train].std(axis=0)
        model = KNeighborsClassifier().fit((X[split.train] - mean) / std, y[split.train])
        assert got == accuracy_score(y[split.test], model.predict((X[split.test] - mean) / std))


def test_identical_methods_are_equivalent_for_sure():
    X, y = data()
    result = renorm.compare(X, y, methods={"standard": "standard", "again": "standard"}, estimators=["knn"], **FAST)
    again = result.record("again", "knn")
    assert (again.verdict, again.p_equivalent, again.interval) == ("equivalent", 1.0, (0.0, 0.0))


def test_exchangeable_noise_is_never_called_better():
    class Noise(TransformerMixin, BaseEstimator):
        def __init__(self, word="a"):
            self.word = word

        def fit(self, X, y=None):
            self.n_features_in_ = X.shape[1]
            return self

        def transform(self, X):
            return X[:, :1] + rng(f"{self.word} {X[0, 0]}").normal(size=(len(X), 1))

    wrong = 0
    for run in range(25):
        random = rng(f"exchangeable {run}")
        y = random.integers(0, 2, 40)
        X = y[:, None] + random.normal(size=(40, 1))
        methods = {"standard": Noise(f"{run} a"), "identity": Noise(f"{run} b"), "c": Noise(f"{run} c")}
        result = renorm.compare(X, y, methods=methods, estimators=["knn"], rope=0.0, folds=5, repeats=2, jobs=1)
        wrong += any(r.verdict in ("better", "worse") for r in result.records)
    assert wrong <= 5  # 5 % of 25 is 1.25; P(more than 5) < 0.002


def test_columns_go_by_role_in_every_frame():
    columns = {
        "number": [1.0, None, 3.0, 4.0],
        "whole": [1, 2, 3, 4],
        "flag": [True, False, True, True],
        "word": ["a", "b", None, "a"],
        "day": pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04"]),
    }
    frame = pd.DataFrame(columns)
    for table in (frame, pl.from_pandas(frame), pl.from_pandas(frame).to_arrow()):
        found = columns_of(table)
        assert found.numeric_names == ("number", "whole")
        assert np.isnan(found.numeric[1, 0]) and found.numeric[3, 1] == 4
        assert found.categorical_names == ("flag", "word")
        assert found.categorical[:, 1].tolist() == ["a", "b", "(missing)", "a"]
        assert list(found.left_out) == ["day"]


def test_text_columns_are_left_out_by_name():
    found = columns_of(pd.DataFrame({"n": np.arange(60.0), "t": [f"text {i}" * 1000 for i in range(60)]}))
    assert found.categorical_names == ()
    assert "60 different values" in found.left_out["t"]


def test_categories_reach_the_estimator_one_hot():
    X, y = data()
    frame = pd.DataFrame(X).rename(columns=str)
    frame["c"] = np.where(y == 1, "yes", "no")
    result = renorm.compare(frame, y, estimators=["logistic"], **FAST)
    assert result.record("standard", "logistic").score == 1.0
    assert result.settings["categorical"] == ["c"]


@pytest.mark.parametrize(
    ("cv", "groups", "words"),
    [
        (None, np.arange(60) % 10, "groups"),
        (GroupKFold(3), np.arange(60) % 10, "groups"),
        (TimeSeriesSplit(4), None, "time order"),
        (KFold(4), None, "without shuffle"),
        ([(np.arange(30), np.arange(30, 60)), (np.arange(30, 60), np.arange(30))], None, "no formula"),
    ],
)
def test_no_interval_where_no_formula_holds(cv, groups, words):
    X, y = data()
    result = renorm.compare(X, y, cv=cv, groups=groups, estimators=["knn"], methods=["standard"], jobs=1)
    r = result.record("identity", "knn")
    assert (r.verdict, r.interval, r.p_better) == ("cannot tell", None, None)
    assert words in r.reason and r.difference is not None
    assert result.best_ == "standard" and "cannot tell" in result.answer


def test_groups_stay_together():
    X, y = data()
    groups = np.arange(60) % 10
    task = TableTask(X, y, groups=groups)
    assert all(not set(groups[s.train]) & set(groups[s.test]) for s in task.plan.splits)


def test_shuffled_holdout_has_an_interval():
    X, y = data()
    result = renorm.compare(X, y, cv=ShuffleSplit(8, test_size=0.25, random_state=1), estimators=["knn"], jobs=1)
    assert result.settings["splits"]["ratio"] == 15 / 45 and result.record("identity", "knn").interval is not None


def test_regression_measures_errors_in_units_of_the_target():
    random = rng("regression")
    X = random.normal(size=(80, 2)) * [1, 1000]
    y = 10 * X[:, 0] + random.normal(size=80)
    result = renorm.compare(X, y, estimators=["knn", "ridge"], **FAST)
    metric = result.settings["metric"]
    assert (metric["label"], metric["greater_is_better"]) == ("RMSE", False)
    assert_close(metric["rope"], 0.01 * np.std(y), op="elementwise")
    r = result.record("identity", "knn")
    assert r.verdict == "worse" and r.score > result.record("standard", "knn").score > 0 and r.difference < 0


def test_pipelines_scorers_and_instances():
    X, y = data()
    result = renorm.compare(
        X,
        y,
        methods=[renorm.create("table.robust", with_centering=False)],
        estimators={"poly": make_pipeline(PolynomialFeatures(2), LogisticRegression(max_iter=2000))},
        scoring="roc_auc",
        **FAST,
    )
    assert result.settings["methods"] == ["identity", "standard", "Robust"]
    assert result.settings["metric"]["label"] == "AUC" and result.record("Robust", "poly").score > 0.5


def test_problem_is_told_from_estimators_and_target():
    X, y = data()
    assert TableTask(X, y).problem == "classification"
    assert TableTask(X, y, estimators=[LinearRegression()]).problem == "regression"
    assert TableTask(X, y.astype(str)).problem == "classification"
    assert TableTask(X, np.arange(60)).problem == "regression"
    assert TableTask(X, y, problem="regression").problem == "regression"


def test_weights_reach_fit_and_score():
    X, y = data()
    weight = np.where(y == 1, 1000.0, 1.0)
    result = renorm.compare(X, y, estimators=["knn", "logistic"], sample_weight=weight, **FAST)
    plain = renorm.compare(X, y, estimators=["logistic"], **FAST)
    assert result.scores["standard"]["logistic"] != plain.scores["standard"]["logistic"]
    assert any("ignored by knn" in n for n in result.notes)
    task = TableTask(X, y, sample_weight=weight, estimators=["logistic"], folds=3, repeats=1)
    split = task.plan.splits[0]
    w = weight[split.train][:, None]
    mean = (w * X[split.train]).sum(axis=0) / w.sum()
    std = np.sqrt((w * (X[split.train] - mean) ** 2).sum(axis=0) / w.sum())
    model = LogisticRegression(max_iter=1000).fit((X[split.train] - mean) / std, y[split.train], sample_weight=w[:, 0])
    want = model.score((X[split.test] - mean) / std, y[split.test], sample_weight=weight[split.test])
    assert_close(task.run("standard", split, split.seed).scores["logistic"], want, op="reduction")


def test_a_method_that_fails_is_a_result():
    X, y = data()
    result = renorm.compare(X, y, methods={"bad": Fails()}, estimators=["knn"], **FAST)
    r = result.record("bad", "knn")
    assert (r.verdict, r.score) == ("cannot tell", None)
    assert r.reason == "it failed in 6 of 6 splits: no way"
    assert result.best_ != "bad" and renorm.Comparison.from_json(result.to_json()) == result


def test_rows_without_target_are_left_out():
    X, y = data()
    gaps = y.astype(float)
    gaps[:4] = np.nan
    task = TableTask(X, gaps)
    assert task.table.rows == 56 and "4 rows without a target" in task.describe()["notes"][0]


def test_budget_trains_on_fewer_rows_with_the_same_tests():
    X, y = data()
    task = TableTask(X, y, estimators=["knn"], folds=3, repeats=1)
    small = evaluate(task, budget=Budget(rows=12), jobs=1)
    assert small.settings["budget"] == {"rows": 12, "steps": None}
    assert small.scores != evaluate(task, jobs=1).scores


def test_no_target_ranks_by_bits_per_dimension():
    X = np.exp(rng("density").normal(size=(90, 2)) * [0.5, 1.0] + [0.0, 7.0])
    result = renorm.compare(X, methods=["yeo_johnson", "standard"], folds=3, repeats=2, jobs=1)
    assert result.settings["metric"]["name"] == "bits_per_dimension"
    split = TableTaskSplits(X)
    want = []
    for train, test in split:
        mean, std = X[train].mean(axis=0), X[train].std(axis=0)
        z = (X[test] - mean) / std
        density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) / std
        want.append(np.mean(-np.log2(density)))
    assert_close(result.scores["standard"]["density"], want, op="reduction")
    assert result.record("yeo_johnson", "density").verdict == "better"
    assert result.record("identity", "density").verdict == "worse"


def TableTaskSplits(X):
    from renorm.comparison import DensityTask

    return [(s.train, s.test) for s in DensityTask(X, folds=3, repeats=2).plan.splits]


def test_facts_say_what_each_normalizer_did():
    X, y = data()
    X[:, 1] = np.repeat([0.0, 1.0, 2.0], 20)
    result = renorm.compare(X, y, estimators=["knn"], **FAST)
    fact = next(f for f in result.facts if f.method == "standard" and f.column == "x1")
    assert (fact.distinct, fact.collapsed, fact.promise) == (3, 0, "std 1")
    assert_close([fact.std, fact.spread, fact.mean], [1, 1, 0], op="reduction")
    robust = result.summary("robust")
    assert (
        robust["promise"] == "IQR 1" and robust["columns"] == 3 and robust["inverse_error"] < TABLE["float64", "vector"][0]
    )


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"X": np.array([[1.0], [np.inf], [3.0]])}, DataError, "inf in column 'x0', row 1"),
        ({"X": np.zeros((0, 2)), "y": []}, DataError, "at least one row"),
        ({"X": np.zeros(60)}, ShapeError, "shape"),
        ({"y": np.arange(10)}, ShapeError, "60 values"),
        ({"y": np.zeros(60)}, DataError, "varies"),
        ({"y": np.r_[np.inf, np.arange(59)]}, DataError, "inf in row 0"),
        ({"y": ["a"] * 59 + ["b"]}, DataError, "1 of class 'b'"),
        ({"methods": ["standart"]}, UnknownNameError, "table.standard"),
        ({"methods": ["standard", "standard"]}, OptionError, "each method once"),
        ({"methods": ["nn.rms_norm"]}, OptionError, "kind 'table'"),
        ({"estimators": ["nkk"]}, OptionError, "knn"),
        ({"estimators": [KNeighborsClassifier]}, OptionError, "instance"),
        ({"scoring": "acuracy"}, OptionError, "accuracy"),
        ({"cv": "five"}, OptionError, "splitter"),
        ({"cv": 1}, OptionError, "at least 2"),
        ({"rope": -1.0}, OptionError, "0 or more"),
        ({"problem": "clustering"}, OptionError, "classification"),
        ({"random_state": None}, OptionError, "an int"),
        ({"sample_weight": -np.ones(60)}, DataError, "weights"),
        ({"y": None, "scoring": "accuracy"}, OptionError, "target"),
        ({"X": pd.DataFrame({"t": [f"{i}" for i in range(60)]})}, DataError, "numeric column"),
    ],
)
def test_bad_input_is_named(change, error, words):
    X, y = data()
    options = {"X": X, "y": y, "jobs": 1, **change}
    with pytest.raises(error, match=words):
        renorm.compare(options.pop("X"), options.pop("y"), **options)
