"""The front door: which normalizer helps on these data?"""

from __future__ import annotations

from typing import Any

from renorm.comparison._evaluate import Progress, evaluate
from renorm.comparison.result import Comparison
from renorm.comparison.tables import DensityTask, TableTask
from renorm.comparison.task import Task
from renorm.core.errors import OptionError


def compare(
    X: Any,
    y: Any = None,
    *,
    methods: Any = None,
    estimators: Any = None,
    cv: Any = None,
    groups: Any = None,
    scoring: Any = None,
    sample_weight: Any = None,
    random_state: int = 0,
    rope: float | None = None,
    level: float = 0.95,
    folds: int | None = None,
    repeats: int | None = None,
    problem: str | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
    name: str = "the data",
    command: str = "",
) -> Comparison:
    """Compare normalizers on your data, and say which one helps, with error bars.

    All methods see the same splits with the same seeds. Inside each split, everything fits on the training rows alone:
    the normalizer on the numeric columns, then the imputer (where values are missing), one-hot encoding of the
    categorical columns, the estimator.

    Parameters
    ----------
    X : array or data frame of shape (n, columns)
        NumPy, pandas, polars or arrow. Numeric columns are normalized, categories (at most 50) one-hot encoded;
        text, dates and other columns are left out and named in ``settings["left_out"]``.
    y : array of shape (n,), optional
        The target. Without one, methods are ranked by held-out bits per dimension under the standard normal.
    methods : None, "all", name, normalizer, or list or mapping of them, default=None
        None: identity, standard, robust, yeo_johnson and quantile. Identity and standard (the baseline) are always in.
    estimators : None, name, estimator, or list or mapping of them, default=None
        None: k-NN, logistic or ridge regression, SVM with RBF kernel (up to 10 000 rows) and gradient boosting.
    cv : None, int, splitter or iterable of (train, test), default=None
        None: 5 folds, stratified for classes, repeated 10 times up to 1000 rows, 3 times up to 10 000, else once.
        Interval and verdict exist for shuffled splits of exchangeable rows; for groups, time order and other splits the
        verdict is "cannot tell", and the reason stands beside it.
    groups : array of shape (n,), optional
        Rows of one group stay on one side of a split.
    scoring : None, str or callable, default=None
        A scikit-learn scorer. None: accuracy for classes, root mean squared error otherwise.
    sample_weight : array of shape (n,), optional
        Goes to every fit that takes it, and to the score.
    random_state : int, default=0
        Splits and seeds follow from it.
    rope : float, optional
        Half-width of the region of practical equivalence. None: 0.01 for accuracy, AUC and other shares, 1 % of the
        target's standard deviation for errors.
    level : float, default=0.95
        Family-wise level of all verdicts together, and level of each interval.
    folds, repeats : int, optional
        Of the default splitter.
    problem : {"classification", "regression"}, optional
        None: text, and at most 20 different whole numbers, are classes.
    jobs : int, optional
        Processes of one thread each; None: as many as there are cores, if the work is worth it.
    progress : callable (done, total), optional
    name : str, default="the data"
        What the data are called in the report.
    command : str, default=""
        What a reader types to repeat this, as the report shows it.

    Returns
    -------
    Comparison

    Raises
    ------
    RenormError
        For data, options or names that cannot be used, always named.

    Notes
    -----
    Verdicts: Bayesian correlated t-test for repeated cross-validation with a region of practical equivalence; Holm's
    step-down over every comparison of the report, so that the chance of any wrong verdict is at most ``1 - level``.

    References
    ----------
    Corani, Benavoli (2015), doi:10.1007/s10994-015-5486-z. Nadeau, Bengio (2003), doi:10.1023/A:1024068626366.
    Holm (1979), Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> import renorm
    >>> from sklearn.datasets import load_wine
    >>> X, y = load_wine(return_X_y=True)
    >>> result = renorm.compare(X, y, methods=["standard"], estimators=["knn"], repeats=2)
    >>> result.record("identity", "knn").verdict, result.best_
    ('worse', 'standard')
    """
    if isinstance(random_state, bool) or not isinstance(random_state, int):
        raise OptionError("compare(random_state)", expected="an int", got=repr(random_state))
    shared = {
        "methods": methods,
        "cv": cv,
        "groups": groups,
        "rope": rope,
        "random_state": random_state,
        "folds": folds,
        "repeats": repeats,
        "name": name,
    }
    task: Task
    if y is None:
        for option, value in (
            ("estimators", estimators),
            ("scoring", scoring),
            ("sample_weight", sample_weight),
            ("problem", problem),
        ):
            if value is not None:
                raise OptionError(f"compare({option})", expected="a target y beside it", got="y=None")
        task = DensityTask(X, **shared)
    else:
        task = TableTask(
            X, y, estimators=estimators, scoring=scoring, sample_weight=sample_weight, problem=problem, **shared
        )
    return evaluate(task, level=level, jobs=jobs, progress=progress, random_state=random_state, command=command)
