"""The table task: normalizers of columns, in front of estimators."""

from __future__ import annotations

import pickle
import time
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from renorm.comparison.columns import Columns, columns_of, fingerprint, problem_of, target_of
from renorm.comparison.named import choose_methods, first_line
from renorm.comparison.panel import choose_estimators, choose_metric
from renorm.comparison.splits import plan_splits
from renorm.comparison.task import Budget, ColumnFact, Metric, Outcome, Split
from renorm.core.catalog import catalog, create
from renorm.core.errors import DataError, OptionError, ShapeError

BASELINE, IDENTITY = "standard", "identity"
DEFAULT_METHODS = (IDENTITY, BASELINE, "robust", "yeo_johnson", "quantile")


class TableTask:
    """Which normalizer of columns helps these estimators here?

    Everything fits inside the training rows of each split, in this order: the normalizer on the numeric columns,
    then (where any value is missing) the imputer, one-hot encoding of the categorical columns, the estimator.

    Parameters
    ----------
    X : array or data frame of shape (n, columns)
    y : array of shape (n,)
        Rows without a target are left out.
    methods : None, "all", names, instances or a mapping, default=None
        None: identity, standard, robust, yeo_johnson, quantile. Identity and standard are always added.
    estimators, cv, groups, scoring, sample_weight, rope, random_state, folds, repeats, problem
        As in `renorm.compare`.
    name : str
        What the data are called.
    """

    kind = "table"
    baseline = BASELINE
    identity = IDENTITY

    def __init__(
        self,
        X: Any,
        y: Any,
        *,
        methods: Any = None,
        estimators: Any = None,
        cv: Any = None,
        groups: Any = None,
        scoring: Any = None,
        sample_weight: Any = None,
        rope: float | None = None,
        random_state: int = 0,
        folds: int | None = None,
        repeats: int | None = None,
        problem: str | None = None,
        name: str = "the data",
    ) -> None:
        self.name = name
        self._notes: list[str] = []
        table, target = columns_of(X), target_of(y)
        sides = {"y": target, "groups": groups, "sample_weight": sample_weight}
        for what, values in sides.items():
            if values is not None:
                sides[what] = values = np.asarray(values)
                if len(values) != table.rows:
                    raise ShapeError(f"compare({what})", expected=f"{table.rows} values, one a row", got=f"{len(values)}")
        keep = ~np.isnan(target) if target.dtype.kind == "f" else np.array([v is not None for v in target])
        if not keep.all():
            if not keep.any():
                raise DataError("compare(y)", expected="a target", got="missing values alone")
            self._notes.append(f"{int((~keep).sum())} rows without a target were left out")
            table = table.take(np.flatnonzero(keep))
            sides = {k: None if v is None else v[keep] for k, v in sides.items()}
            target = target[keep]
        if target.dtype.kind == "f" and np.isinf(target).any():
            raise DataError(
                "compare(y)", expected="a finite target", got=f"inf in row {int(np.flatnonzero(np.isinf(target))[0])}"
            )
        self.table, self.groups = table, sides["groups"]
        self.weight = _weights(sides["sample_weight"])
        self.problem = _problem(target, problem, estimators)
        classification = self.problem == "classification"
        self.y = target if not classification or target.dtype.kind == "f" else target.astype(str)
        if len(np.unique(self.y)) < 2:
            raise DataError("compare(y)", expected="a target that varies", got=f"{str(self.y[0])[:60]!r} in every row")
        self._methods = choose_methods(methods, "table", DEFAULT_METHODS, BASELINE)
        self.methods = tuple(self._methods)
        self._estimators, self.estimators_left_out = choose_estimators(estimators, classification, table.rows)
        self.estimators = tuple(self._estimators)
        self.metric: Metric
        self.metric, self._scorer = choose_metric(scoring, classification, self.y, rope)
        self.plan = plan_splits(
            table.rows,
            y=self.y,
            classification=classification,
            cv=cv,
            groups=self.groups,
            random_state=random_state,
            folds=folds,
            repeats=repeats,
        )
        if classification:
            values, counts = np.unique(self.y, return_counts=True)
            rare = [str(v)[:60] for v, c in zip(values, counts, strict=True) if c < self.plan.folds]
            if rare:
                self._notes.append(f"fewer rows than folds in class {', '.join(rare)}: some splits score none of them")
        self._incomplete = bool(np.isnan(table.numeric).any())
        if self._incomplete:
            count = int(np.isnan(table.numeric).sum())
            self._notes.append(f"{count} missing values: filled with the column's median after the normalizer, inside folds")
        if self.weight is not None:
            deaf = [n for n, e in self._estimators.items() if not _takes_weight(e)]
            if deaf:
                self._notes.append(f"sample_weight is ignored by {', '.join(deaf)}, which cannot take it; scores use it")

    def run(self, method: str, split: Split, seed: int, budget: Budget | None = None) -> Outcome:
        """Normalize, impute, encode, fit and score each estimator on one split."""
        from sklearn.base import clone

        train = _subsample(split.train, budget, seed)
        weight = None if self.weight is None else self.weight[train]
        caught: set[str] = set()
        start = time.perf_counter()
        try:
            with _listening(f"{method}: ", caught):
                normalizer = make(self._methods[method], seed)
                fit_weight = {} if weight is None or not _takes_weight(normalizer) else {"sample_weight": weight}
                normalizer.fit(self.table.numeric[train], **fit_weight)
                fitted = time.perf_counter()
                numeric = [np.asarray(normalizer.transform(self.table.numeric[rows])) for rows in (train, split.test)]
            moved = time.perf_counter()
        except Exception as error:  # a method that fails is a result, not the end of the comparison
            why = first_line(error)
            return Outcome(dict.fromkeys(self.estimators), dict.fromkeys(self.estimators, why), {}, 0)
        features = self._features(numeric, train, split.test)
        scores: dict[str, float | None] = {}
        failures: dict[str, str] = {}
        seconds = {"fit": fitted - start, "transform": moved - fitted}
        for name, estimator in self._estimators.items():
            begin = time.perf_counter()
            try:
                with _listening(f"{name} after {method}: ", caught):
                    model = _seeded(clone(estimator), seed)
                    with_weight = {} if weight is None or not _takes_weight(model) else {"sample_weight": weight}
                    model.fit(features[0], self.y[train], **with_weight)
                    score_weight = {} if self.weight is None else {"sample_weight": self.weight[split.test]}
                    score = float(self._scorer(model, features[1], self.y[split.test], **score_weight)) * self.metric.sign
                if not np.isfinite(score):
                    raise ValueError(f"the score is {score}")
                scores[name] = score
            except Exception as error:
                scores[name], failures[name] = None, first_line(error)
            seconds[name] = time.perf_counter() - begin
        return Outcome(scores, failures, seconds, _state_bytes(normalizer), tuple(sorted(caught)))

    def _features(self, numeric: list[np.ndarray], train: np.ndarray, test: np.ndarray) -> list[np.ndarray]:
        from sklearn.impute import SimpleImputer
        from sklearn.preprocessing import OneHotEncoder

        if self._incomplete:
            imputer = SimpleImputer(strategy="median", keep_empty_features=True).fit(numeric[0])
            numeric = [imputer.transform(part) for part in numeric]
        if self.table.categorical_names:
            encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(self.table.categorical[train])
            numeric = [
                np.hstack([part, encoder.transform(self.table.categorical[rows])])
                for part, rows in zip(numeric, (train, test), strict=True)
            ]
        return numeric

    def facts(self) -> list[ColumnFact]:
        """What each normalizer does to each numeric column, fitted on all rows."""
        return [fact for m in self.methods for fact in column_facts(m, self._methods[m], self.table)]

    def describe(self) -> dict[str, Any]:
        """Data, roles and settings for the record."""
        return {
            "problem": self.problem,
            "rows": self.table.rows,
            "columns": list(self.table.numeric_names),
            "categorical": list(self.table.categorical_names),
            "left_out": dict(self.table.left_out),
            "estimators_left_out": dict(self.estimators_left_out),
            "data_hash": fingerprint(self.table, self.y),
            "method_options": {m: _shown(v) for m, v in self._methods.items()},
            "estimator_options": {n: _shown(e) for n, e in self._estimators.items()},
            "notes": list(self._notes),
        }


class DensityTask:
    """Which normalizer makes the columns most normal? Held-out bits per dimension, lower is better.

    Each normalizer fits on the training rows; a held-out value x costs ``-log2 N(T(x); 0, 1) - log2 |T'(x)|``, averaged over
    the values that are not missing. Methods without a log-determinant have no density and are left out by name.
    """

    kind = "table"
    baseline = BASELINE
    identity = IDENTITY
    estimators: tuple[str, ...] = ("density",)

    def __init__(
        self,
        X: Any,
        *,
        methods: Any = None,
        cv: Any = None,
        groups: Any = None,
        rope: float | None = None,
        random_state: int = 0,
        folds: int | None = None,
        repeats: int | None = None,
        name: str = "the data",
    ) -> None:
        self.name = name
        self.table = columns_of(X)
        chosen = choose_methods(methods, "table", DEFAULT_METHODS, BASELINE)
        self.methods_left_out = {
            m: "it has no log-determinant, so no density"
            for m, v in chosen.items()
            if not hasattr(make(v, 0), "log_abs_det")
        }
        self._methods = {m: v for m, v in chosen.items() if m not in self.methods_left_out}
        for needed in (IDENTITY, BASELINE):
            if needed not in self._methods:
                raise OptionError("compare(methods)", expected=f"a {needed!r} with log_abs_det where y is None", got="none")
        self.methods = tuple(self._methods)
        width = 0.01 if rope is None else float(rope)
        self.metric = Metric(
            "bits_per_dimension", "bits per dimension", False, width, "0.01 bit" if rope is None else "given"
        )
        self.plan = plan_splits(
            self.table.rows,
            y=None,
            classification=False,
            cv=cv,
            groups=None if groups is None else np.asarray(groups),
            random_state=random_state,
            folds=folds,
            repeats=repeats,
        )

    def run(self, method: str, split: Split, seed: int, budget: Budget | None = None) -> Outcome:
        """Fit on the training rows, measure the bits of the held-out ones."""
        train = _subsample(split.train, budget, seed)
        start = time.perf_counter()
        caught: set[str] = set()
        try:
            with _listening(f"{method}: ", caught):
                normalizer = make(self._methods[method], seed).fit(self.table.numeric[train])
                fitted = time.perf_counter()
                bits = bits_per_dimension(normalizer, self.table.numeric[split.test])
            moved = time.perf_counter()
            if not np.isfinite(bits):
                raise ValueError(f"bits per dimension are {bits}")
        except Exception as error:
            return Outcome({"density": None}, {"density": first_line(error)}, {}, 0)
        seconds = {"fit": fitted - start, "transform": moved - fitted, "density": 0.0}
        return Outcome({"density": bits}, {}, seconds, _state_bytes(normalizer), tuple(sorted(caught)))

    def facts(self) -> list[ColumnFact]:
        """What each normalizer does to each numeric column, fitted on all rows."""
        return [fact for m in self.methods for fact in column_facts(m, self._methods[m], self.table)]

    def describe(self) -> dict[str, Any]:
        """Data, roles and settings for the record."""
        return {
            "problem": "density",
            "rows": self.table.rows,
            "columns": list(self.table.numeric_names),
            "categorical": [],
            "left_out": {
                **self.table.left_out,
                **dict.fromkeys(self.table.categorical_names, "categories have no density"),
            },
            "methods_left_out": dict(self.methods_left_out),
            "data_hash": fingerprint(self.table, None),
            "method_options": {m: _shown(v) for m, v in self._methods.items()},
            "estimator_options": {},
            "notes": [],
        }


def bits_per_dimension(normalizer: Any, X: np.ndarray) -> float:
    """Mean of ``-log2 density`` over the values of X that are not missing."""
    z = np.asarray(normalizer.transform(X), dtype=np.float64)
    nats = 0.5 * (z**2 + np.log(2 * np.pi))
    total = float(np.nansum(nats)) - float(np.sum(normalizer.log_abs_det(X)))
    return total / np.log(2) / int(np.count_nonzero(~np.isnan(X)))


def make(method: Any, seed: int) -> Any:
    """Return a fresh normalizer: from the catalog by name, or a clone of an instance."""
    from sklearn.base import clone

    return _seeded(create(method) if isinstance(method, str) else clone(method), seed)


def column_facts(name: str, method: Any, table: Columns) -> list[ColumnFact]:
    """What one normalizer does to each column of a table; empty where it cannot be fitted."""
    caught: set[str] = set()
    try:
        with _listening("", caught), np.errstate(all="ignore"):
            normalizer = make(method, 0).fit(table.numeric)
            out = np.asarray(normalizer.transform(table.numeric), dtype=np.float64)
            back = None
            if hasattr(normalizer, "inverse_transform"):
                back = np.asarray(normalizer.inverse_transform(out), dtype=np.float64)
    except Exception:
        return []
    if out.shape != table.numeric.shape:
        return []
    promise = _promise(method)
    return [
        _column_fact(name, column, table.numeric[:, j], out[:, j], None if back is None else back[:, j], promise)
        for j, column in enumerate(table.numeric_names)
    ]


def _column_fact(
    method: str, column: str, x: np.ndarray, z: np.ndarray, back: np.ndarray | None, promise: str
) -> ColumnFact:
    seen = np.isfinite(x) & np.isfinite(z)
    x, z = x[seen], z[seen]
    distinct = len(np.unique(x))
    if not len(x):
        return ColumnFact(method, column, 0, 0, promise, None, None, None, None, None)
    low, high = np.quantile(z, [0.25, 0.75])
    std, iqr = float(z.std()), float(high - low)
    error = None
    if back is not None:
        scale = float(x.std()) or 1.0
        worst = float(np.max(np.abs(back[seen] - x))) / scale
        error = worst if np.isfinite(worst) else None
    spread = std if promise.startswith("std") else iqr if promise else None
    return ColumnFact(
        method, column, distinct, distinct - len(np.unique(z)), promise, spread, float(z.mean()), std, iqr, error
    )


def _promise(method: Any) -> str:
    if not isinstance(method, str):
        return ""
    statistic = catalog().find(method).statistic.lower()
    for words, promise in _PROMISES.items():
        if words in statistic:
            return promise
    return ""


# what a statistic on the card promises of the output's spread, under default options
_PROMISES: Mapping[str, str] = {
    "interquantile range": "IQR 1",
    "quantile grid": "IQR 0.5",
    "standard deviation": "std 1",
}


def _problem(y: np.ndarray, problem: str | None, estimators: Any) -> str:
    from sklearn.base import is_classifier, is_regressor

    if problem is None and estimators is not None and not isinstance(estimators, str):
        given = (
            [estimators]
            if hasattr(estimators, "fit")
            else list(estimators.values() if isinstance(estimators, Mapping) else estimators)
        )
        models = [e for e in given if hasattr(e, "fit") and not isinstance(e, type)]
        if models and all(is_classifier(e) for e in models):
            problem = "classification"
        elif models and all(is_regressor(e) for e in models):
            problem = "regression"
    return problem_of(y, problem)


def _weights(weight: Any) -> np.ndarray | None:
    if weight is None:
        return None
    values = np.asarray(weight, dtype=np.float64)
    if not np.isfinite(values).all() or (values < 0).any() or not values.sum():
        raise DataError("compare(sample_weight)", expected="finite weights, none negative, some positive", got="others")
    return values


def _takes_weight(estimator: Any) -> bool:
    from sklearn.utils.validation import has_fit_parameter

    return has_fit_parameter(estimator, "sample_weight")


def _subsample(train: np.ndarray, budget: Budget | None, seed: int) -> np.ndarray:
    if budget is None or budget.rows is None or len(train) <= budget.rows:
        return train
    return np.sort(np.random.default_rng(seed).choice(train, size=budget.rows, replace=False))


def _seeded(estimator: Any, seed: int) -> Any:
    options = estimator.get_params() if hasattr(estimator, "get_params") else {}
    free = {k: seed for k, v in options.items() if (k == "random_state" or k.endswith("__random_state")) and v is None}
    return estimator.set_params(**free) if free else estimator


def _state_bytes(normalizer: Any) -> int:
    try:
        return len(pickle.dumps(normalizer, protocol=5))
    except (TypeError, AttributeError, pickle.PicklingError):
        return 0


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else " ".join(repr(value).split())


class _listening(warnings.catch_warnings):  # noqa: N801 - a context manager
    """Catch warnings, and keep the kind of each, with who raised it."""

    def __init__(self, who: str, into: set[str]) -> None:
        super().__init__(record=True)
        self._who, self._into = who, into

    def __enter__(self) -> None:  # type: ignore[override]
        self._seen = super().__enter__()
        warnings.simplefilter("always")

    def __exit__(self, *exc: Any) -> None:
        super().__exit__(*exc)
        self._into.update(self._who + _WARNED.get(w.category.__name__, first_line(w.message)) for w in self._seen or ())  # type: ignore[arg-type]


_WARNED: Mapping[str, str] = {"ConvergenceWarning": "did not converge in some split"}
