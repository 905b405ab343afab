"""The splits of a comparison, and which of them have an interval formula."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from renorm.comparison.task import Plan, Split, seed_of
from renorm.core.errors import DataError, OptionError

# scikit-learn's splitters of exchangeable rows, where the correlated t holds
_REPEATED = ("RepeatedKFold", "RepeatedStratifiedKFold")
_SINGLE = ("KFold", "StratifiedKFold")
_SHUFFLED = ("ShuffleSplit", "StratifiedShuffleSplit")


def default_repeats(rows: int) -> int:
    """10 repeats up to 1000 rows, 3 up to 10 000, 1 above: the luck of the split shrinks as rows grow."""
    return 10 if rows <= 1000 else 3 if rows <= 10_000 else 1


def plan_splits(
    rows: int,
    *,
    y: np.ndarray | None,
    classification: bool,
    cv: Any = None,
    groups: np.ndarray | None = None,
    random_state: int = 0,
    folds: int | None = None,
    repeats: int | None = None,
) -> Plan:
    """Draw the splits once, for all methods.

    Parameters
    ----------
    rows : int
    y : array or None
        The target, for stratified and user-given splitters.
    cv : None, int, splitter or iterable of (train, test)
        None: 5 folds, repeated (`default_repeats`), stratified for classes, or 5 group folds; an int sets the folds.
    folds, repeats : int, optional
        Override the numbers of the default splitter.

    Raises
    ------
    OptionError, DataError
        For a splitter that is none, and for more folds than rows, groups or members of every class.
    """
    from sklearn import model_selection as ms

    if isinstance(cv, (bool, str)):
        raise OptionError("compare(cv)", expected="an int, a splitter or (train, test) pairs", got=repr(cv))
    if isinstance(cv, (int, np.integer)):
        cv, folds = None, int(cv)
    if cv is None:
        folds = 5 if folds is None else folds
        repeats = default_repeats(rows) if repeats is None else repeats
        for value, what, least in ((folds, "folds", 2), (repeats, "repeats", 1)):
            if value < least:
                raise OptionError(f"compare({what})", expected=f"at least {least}", got=str(value))
        _enough(rows, y, groups, folds, classification)
        if groups is not None:
            cv = ms.GroupKFold(n_splits=folds)
        elif classification:
            cv = ms.RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=random_state)
        else:
            cv = ms.RepeatedKFold(n_splits=folds, n_repeats=repeats, random_state=random_state)
    splitter = hasattr(cv, "split")
    if not splitter and not isinstance(cv, Iterable):
        raise OptionError("compare(cv)", expected="an int, a splitter or (train, test) pairs", got=repr(cv))
    kind = type(cv).__name__ if splitter else "given splits"
    try:
        with warnings.catch_warnings():  # a class with fewer rows than folds: the task says so in its notes
            warnings.simplefilter("ignore", UserWarning)
            pairs = list(cv.split(np.zeros((rows, 1)), y, groups)) if splitter else list(cv)
    except ValueError as error:
        raise DataError(f"compare(cv={kind})", expected="a splitter that fits the data", got=str(error)) from error
    if len(pairs) < 2:
        raise OptionError("compare(cv)", expected="at least 2 splits", got=f"{len(pairs)}")

    total, per = len(pairs), len(pairs)
    if kind in _REPEATED:
        per = cv.get_n_splits(np.zeros((rows, 1)), y, groups) // cv.n_repeats
    elif kind in _SHUFFLED:
        per = 1
    splits = []
    for i, (train, test) in enumerate(pairs):
        fit_on, score_on = _rows_of(train), _rows_of(test)
        if not len(fit_on) or not len(score_on):
            raise DataError(f"compare(cv={kind})", expected="rows on both sides of every split", got=f"none in split {i}")
        splits.append(Split(i, i // per, i % per, fit_on, score_on, seed_of(random_state, i // per, i % per)))
    reason = _why_none(kind, cv, groups)
    ratio = None if reason else float(np.mean([len(s.test) / len(s.train) for s in splits]))
    return Plan(tuple(splits), kind, per, total // per, ratio, reason)


def _rows_of(part: Any) -> np.ndarray:
    rows = np.asarray(part)
    return np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.intp)


def _why_none(kind: str, cv: Any, groups: np.ndarray | None) -> str:
    if groups is not None:
        return "no interval: rows come in groups, and the formula for repeated splits holds for exchangeable rows"
    if kind in (*_REPEATED, *_SHUFFLED) or (kind in _SINGLE and cv.shuffle):
        return ""
    if kind == "TimeSeriesSplit":
        return "no interval: rows have a time order, and the formula for repeated splits holds for exchangeable rows"
    if kind in _SINGLE:
        return f"no interval: {kind} without shuffle follows the order of the rows"
    return f"no interval: no formula is known for {kind}"


def _enough(rows: int, y: np.ndarray | None, groups: np.ndarray | None, folds: int, classification: bool) -> None:
    if rows < folds:
        raise DataError("compare(X)", expected=f"at least {folds} rows for {folds} folds", got=f"{rows}")
    if groups is not None:
        count = len(np.unique(groups))
        if count < folds:
            raise DataError("compare(groups)", expected=f"at least {folds} groups for {folds} folds", got=f"{count}")
    elif classification and y is not None:
        values, counts = np.unique(y, return_counts=True)
        if counts.min() < 2:
            rare = values[int(counts.argmin())]
            raise DataError(
                "compare(y)",
                expected="at least 2 rows of every class",
                got=f"{counts.min()} of class {str(rare)[:60]!r}",
                hint="leave such rows out, or pass cv= and scoring= that can do without",
            )
        if counts.max() < folds:
            raise DataError("compare(y)", expected=f"a class with at least {folds} rows", got=f"{counts.max()}")
