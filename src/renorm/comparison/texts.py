"""The text tasks: normalizers of strings in front of a classifier, or between a hypothesis and its reference."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from renorm.comparison.columns import target_of
from renorm.comparison.named import choose_methods, first_line
from renorm.comparison.panel import choose_metric
from renorm.comparison.splits import plan_splits
from renorm.comparison.task import Budget, ColumnFact, Metric, Outcome, Plan, Split, seed_of
from renorm.core.catalog import create
from renorm.core.errors import DataError, OptionTypeError, ShapeError

BASELINE = "unicode_clean"


class _Texts:
    """What both text tasks share: normalizers by name, each made once."""

    kind = "text"
    identity = "identity"
    baseline = BASELINE

    def __init__(self, methods: Any, baseline: str, name: str) -> None:
        self.name, self.baseline = name, baseline
        self._methods = choose_methods(methods, "text", (baseline,), baseline, make_identity=lambda: _same)
        self.methods = tuple(self._methods)

    def _normalizer(self, method: str) -> Callable[[str], str]:
        given = self._methods[method]
        return create(given) if isinstance(given, str) else given

    def facts(self) -> list[ColumnFact]:
        """Nothing by column."""
        return []

    def _told(self, problem: str, texts: Sequence[str], options: dict[str, str]) -> dict[str, Any]:
        joined = "\x1f".join(texts).encode("utf-8", "surrogatepass")
        return {
            "problem": problem,
            "rows": len(texts),
            "columns": [],
            "categorical": [],
            "left_out": {},
            "data_hash": hashlib.sha256(joined).hexdigest(),
            "method_options": {
                m: v if isinstance(v, str) else getattr(v, "__name__", type(v).__name__) for m, v in self._methods.items()
            },
            "estimator_options": options,
            "notes": [],
        }


class TextTask(_Texts):
    """Does normalizing these texts help a classifier?

    Parameters
    ----------
    texts : sequence of str
    labels : array of shape (n,)
    estimator : scikit-learn pipeline on lists of str, optional
        None: TF-IDF of character 1- to 3-grams and logistic regression.
    methods : names or mapping
        Names of kind ``text``, or name -> ``str -> str``. The baseline and identity are added.
    baseline : str, default="unicode_clean"
    scoring, rope, cv, random_state, folds, repeats
        As in `renorm.compare`.
    name : str
    """

    estimators: tuple[str, ...] = ("classifier",)

    def __init__(
        self,
        texts: Sequence[str],
        labels: Any,
        *,
        estimator: Any = None,
        methods: Any = None,
        baseline: str = BASELINE,
        scoring: Any = None,
        rope: float | None = None,
        cv: Any = None,
        random_state: int = 0,
        folds: int | None = None,
        repeats: int | None = None,
        name: str = "the texts",
    ) -> None:
        super().__init__(methods, baseline, name)
        self.texts = _strings(texts, "TextTask(texts)")
        target = target_of(labels)
        if len(target) != len(self.texts):
            raise ShapeError("TextTask(labels)", expected=f"{len(self.texts)} labels, one a text", got=f"{len(target)}")
        self.labels = target if target.dtype.kind == "f" else target.astype(str)
        self._estimator = _default_classifier() if estimator is None else estimator
        self.metric: Metric
        self.metric, self._scorer = choose_metric(scoring, True, self.labels, rope)
        self.plan = plan_splits(
            len(self.texts),
            y=self.labels,
            classification=True,
            cv=cv,
            random_state=random_state,
            folds=folds,
            repeats=repeats,
        )

    def run(self, method: str, split: Split, seed: int, budget: Budget | None = None) -> Outcome:
        """Normalize, fit on the training texts, score on the others."""
        from sklearn.base import clone

        train = split.train
        if budget is not None and budget.rows is not None and len(train) > budget.rows:
            train = np.sort(np.random.default_rng(seed).choice(train, size=budget.rows, replace=False))
        start = time.perf_counter()
        try:
            normalize = self._normalizer(method)
            seen, held = ([normalize(self.texts[i]) for i in rows] for rows in (train, split.test))
            moved = time.perf_counter()
            model = clone(self._estimator).fit(seen, self.labels[train])
            score = float(self._scorer(model, held, self.labels[split.test])) * self.metric.sign
        except Exception as error:  # a method that fails is a result
            return Outcome({"classifier": None}, {"classifier": first_line(error)})
        changed = sum(a != self.texts[i] for a, i in zip(held, split.test, strict=True))
        seconds = {"fit": 0.0, "transform": moved - start, "classifier": time.perf_counter() - moved}
        return Outcome({"classifier": score}, {}, seconds, 0, (), {"changed_share": changed / len(held)})

    def describe(self) -> dict[str, Any]:
        """Data and settings for the record."""
        return self._told("classification", self.texts, {"classifier": " ".join(repr(self._estimator).split())})


class PairTask(_Texts):
    """Up to which normalization does a hypothesis equal its reference?

    Nothing is learnt from the pairs, so groups of pairs give independent differences and the plain t applies.

    Parameters
    ----------
    hypotheses, references : sequences of str
    methods, baseline, rope, random_state, name
        As in `TextTask`.
    score : callable (hypothesis, reference) -> float, default: 1 where both are equal
    """

    estimators: tuple[str, ...] = ("match",)

    def __init__(
        self,
        hypotheses: Sequence[str],
        references: Sequence[str],
        *,
        methods: Any = None,
        baseline: str = BASELINE,
        score: Callable[[str, str], float] | None = None,
        rope: float = 0.01,
        random_state: int = 0,
        name: str = "the pairs",
    ) -> None:
        super().__init__(methods, baseline, name)
        self.hypotheses = _strings(hypotheses, "PairTask(hypotheses)")
        self.references = _strings(references, "PairTask(references)")
        count = len(self.hypotheses)
        if len(self.references) != count:
            raise ShapeError("PairTask(references)", expected=f"{count} texts", got=f"{len(self.references)}")
        if count < 4:
            raise DataError("PairTask(hypotheses)", expected="at least 4 pairs", got=f"{count}")
        self._score = _equal if score is None else score
        self.metric = Metric("match", "match", True, rope, "the convention for accuracy")
        order = np.random.default_rng(random_state).permutation(count)
        parts = np.array_split(order, min(20, count // 2))
        splits = tuple(
            Split(i, 0, i, np.setdiff1d(order, part), np.sort(part), seed_of(random_state, 0, i))
            for i, part in enumerate(parts)
        )
        self.plan = Plan(splits, "groups of pairs", len(parts), 1, 0.0)

    def run(self, method: str, split: Split, seed: int, budget: Budget | None = None) -> Outcome:
        """Mean score of the pairs of this split, both sides normalized."""
        start = time.perf_counter()
        try:
            normalize = self._normalizer(method)
            found = [self._score(normalize(self.hypotheses[i]), normalize(self.references[i])) for i in split.test]
        except Exception as error:
            return Outcome({"match": None}, {"match": first_line(error)})
        seconds = {"fit": 0.0, "transform": time.perf_counter() - start, "match": 0.0}
        return Outcome({"match": float(np.mean(found))}, {}, seconds, 0)

    def describe(self) -> dict[str, Any]:
        """Data and settings for the record."""
        return self._told(
            "matching", [*self.hypotheses, *self.references], {"match": getattr(self._score, "__name__", "score").strip("_")}
        )


def _same(s: str) -> str:
    return s


def _equal(a: str, b: str) -> float:
    return float(a == b)


def _strings(texts: Sequence[str], who: str) -> list[str]:
    if isinstance(texts, str):
        raise OptionTypeError(who, expected="a sequence of strings", got="one string")
    found = list(texts)
    for i, s in enumerate(found):
        if not isinstance(s, str):
            raise OptionTypeError(who, expected="strings", got=f"{type(s).__name__} at {i}")
    return found


def _default_classifier() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3)), LogisticRegression(max_iter=1000))
