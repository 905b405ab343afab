"""The default estimators and the scores, with the difference that counts as practical."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from renorm.comparison.task import Metric
from renorm.core.errors import OptionError, did_you_mean

LABELS = {"knn": "k-NN", "logistic": "logistic", "ridge": "ridge", "svm_rbf": "SVM-RBF", "boosting": "boosting"}
MOST_SVM_ROWS = 10_000


def default_panel(classification: bool) -> dict[str, Any]:
    """k-NN, a linear model, an RBF support vector machine and gradient boosting, with scikit-learn's own settings."""
    from sklearn import ensemble, linear_model, neighbors, svm

    if classification:
        return {
            "knn": neighbors.KNeighborsClassifier(),
            "logistic": linear_model.LogisticRegression(max_iter=1000),
            "svm_rbf": svm.SVC(),
            "boosting": ensemble.HistGradientBoostingClassifier(),
        }
    return {
        "knn": neighbors.KNeighborsRegressor(),
        "ridge": linear_model.Ridge(),
        "svm_rbf": svm.SVR(),
        "boosting": ensemble.HistGradientBoostingRegressor(),
    }


def choose_estimators(estimators: Any, classification: bool, rows: int) -> tuple[dict[str, Any], dict[str, str]]:
    """Estimators by name, and by name those that were left out, with the reason.

    Parameters
    ----------
    estimators : None, str, estimator, or a list or mapping of them
        Names are those of the default panel; an estimator may be a whole Pipeline.
    """
    panel = default_panel(classification)
    if estimators is None:
        if rows > MOST_SVM_ROWS:
            del panel["svm_rbf"]
            return panel, {"svm_rbf": f"its time grows with the square of the rows: left out above {MOST_SVM_ROWS}"}
        return panel, {}
    if isinstance(estimators, str) or hasattr(estimators, "fit"):
        estimators = [estimators]
    if not isinstance(estimators, Iterable):
        raise OptionError("compare(estimators)", expected="estimators or names", got=repr(estimators))
    items = estimators.items() if isinstance(estimators, Mapping) else ((None, e) for e in estimators)
    chosen: dict[str, Any] = {}
    for name, given in items:
        model = given
        if isinstance(given, str):
            if given not in panel:
                raise OptionError(
                    "compare(estimators)",
                    expected="an estimator of the panel",
                    got=repr(given),
                    hint=did_you_mean(given, panel),
                )
            model = panel[given]
        elif isinstance(given, type) or not hasattr(given, "fit"):
            raise OptionError(
                "compare(estimators)", expected="a scikit-learn estimator", got=repr(given), hint="make an instance"
            )
        label = str(name) if name is not None else given if isinstance(given, str) else type(given).__name__
        if label in chosen:
            raise OptionError(
                "compare(estimators)", expected="each estimator once", got=repr(label), hint="name them by a dict"
            )
        chosen[label] = model
    if not chosen:
        raise OptionError("compare(estimators)", expected="at least one estimator", got="none")
    return chosen, {}


_SHARES = (
    "accuracy",
    "roc_auc",
    "f1",
    "precision",
    "recall",
    "balanced_accuracy",
    "average_precision",
    "jaccard",
    "top_k_accuracy",
)
_SPREAD = ("neg_root_mean_squared_error", "neg_mean_absolute_error", "neg_median_absolute_error", "neg_max_error")
_NAMES = {
    "accuracy": "accuracy",
    "roc_auc": "AUC",
    "r2": "R²",
    "neg_root_mean_squared_error": "RMSE",
    "neg_mean_absolute_error": "MAE",
    "neg_mean_squared_error": "MSE",
    "neg_log_loss": "log loss",
}


def choose_metric(
    scoring: Any, classification: bool, y: np.ndarray, rope: float | None
) -> tuple[Metric, Callable[..., float]]:
    """Return the metric and scikit-learn's scorer for it; accuracy or RMSE where ``scoring`` is None."""
    from sklearn.metrics import get_scorer, get_scorer_names

    if rope is not None and not (np.isfinite(rope) and rope >= 0):
        raise OptionError("compare(rope)", expected="a finite number, 0 or more", got=repr(rope))
    if scoring is None:
        scoring = "accuracy" if classification else "neg_root_mean_squared_error"
    if callable(scoring):
        name = getattr(scoring, "__name__", type(scoring).__name__.strip("_"))
        why = "given" if rope is not None else "a default: no convention is known for this score"
        return Metric(name, name, True, 0.01 if rope is None else float(rope), why), scoring
    if not isinstance(scoring, str):
        raise OptionError("compare(scoring)", expected="a scorer or its name", got=repr(scoring))
    known = get_scorer_names()
    name = {"auc": "roc_auc", "rmse": "neg_root_mean_squared_error", "mae": "neg_mean_absolute_error"}.get(
        scoring.lower(), scoring
    )
    if name not in known:
        raise OptionError(
            "compare(scoring)", expected="a scorer of scikit-learn", got=repr(scoring), hint=did_you_mean(scoring, known)
        )
    if rope is not None:
        width, why = float(rope), "given"
    elif name in _SPREAD:
        width, why = 0.01 * float(np.std(y)), "1 % of the target's standard deviation"
    elif name == "neg_mean_squared_error":
        width, why = 0.01 * float(np.var(y)), "1 % of the target's variance"
    elif name.startswith(_SHARES) or name in ("r2", "explained_variance"):
        width, why = 0.01, "the convention for accuracy, AUC and other shares"
    else:
        width, why = 0.01, "a default: no convention is known for this score"
    label = _NAMES.get(name, name.removeprefix("neg_").replace("_", " "))
    return Metric(name, label, not name.startswith("neg_"), width, why), get_scorer(name)
