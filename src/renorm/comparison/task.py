"""What can be compared: a task runs one method on one split and returns scores."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np


@dataclass(frozen=True)
class Budget:
    """What one run may spend; None is no limit. The same for every method.

    Parameters
    ----------
    rows : int, optional
        At most so many training rows, drawn with the run's seed.
    steps : int, optional
        At most so many optimizer steps.
    """

    rows: int | None = None
    steps: int | None = None


@dataclass(frozen=True, eq=False)
class Split:
    """Rows to fit on and rows to score on; the same for every method."""

    index: int
    repeat: int
    fold: int
    train: np.ndarray
    test: np.ndarray
    seed: int


@dataclass(frozen=True, eq=False)
class Plan:
    """The splits of a task, and whether the interval formula for repeated splits holds for them.

    ``ratio`` is test rows over training rows, or None with a ``reason`` where no formula applies.
    """

    splits: tuple[Split, ...]
    name: str
    folds: int
    repeats: int
    ratio: float | None
    reason: str = ""


@dataclass(frozen=True)
class Metric:
    """What is measured, and which difference matters.

    ``rope`` is the half-width of the region of practical equivalence, in units of the score; ``rope_why`` its origin.
    """

    name: str
    label: str
    greater_is_better: bool
    rope: float
    rope_why: str

    @property
    def sign(self) -> int:
        """+1 where more is better, -1 for errors."""
        return 1 if self.greater_is_better else -1


@dataclass(frozen=True)
class Outcome:
    """What one method gave on one split.

    Parameters
    ----------
    scores : mapping
        Score of each estimator, in the metric's own units; None where it failed.
    failures : mapping
        For each estimator that failed, the first line of why.
    seconds : mapping
        ``fit``, ``transform`` of the normalizer, and the time of each estimator under its own name.
    state_bytes : int
        Size of what the fitted normalizer keeps.
    notes : tuple of str
        Warnings worth passing on, without numbers that vary.
    did : mapping
        What the normalizer did, in this split.
    """

    scores: Mapping[str, float | None]
    failures: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    state_bytes: int = 0
    notes: tuple[str, ...] = ()
    did: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ColumnFact:
    """What one normalizer did to one column, fitted on all rows (a description, no part of any score).

    Parameters
    ----------
    distinct, collapsed : int
        Distinct values before, and how many of them were lost: mapped onto the same number as another one.
    promise : str
        What the method promises of the column's spread (``"std 1"``), or ``""``.
    spread : float or None
        What the promised spread came out as.
    mean, std, iqr : float or None
        Of the output.
    inverse_error : float or None
        Largest error of the round trip over the column's standard deviation; None where there is no inverse.
    """

    method: str
    column: str
    distinct: int
    collapsed: int
    promise: str
    spread: float | None
    mean: float | None
    std: float | None
    iqr: float | None
    inverse_error: float | None


@runtime_checkable
class Task(Protocol):
    """One question: which of these methods helps here?

    Tables, layers, texts and later kinds implement it; `evaluate` runs every method on the same splits with the same seeds.
    ``methods`` always holds ``baseline`` and ``identity``.
    """

    kind: str
    name: str
    methods: tuple[str, ...]
    baseline: str
    identity: str
    estimators: tuple[str, ...]
    metric: Metric
    plan: Plan

    def run(self, method: str, split: Split, seed: int, budget: Budget | None = None) -> Outcome:
        """Fit and score one method on one split; everything that learns, learns from ``split.train`` alone."""
        ...

    def facts(self) -> Sequence[ColumnFact]:
        """What each method did to each column, where that can be said."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """Data for the record: rows, columns, what was left out, hash, notes. Must go into JSON."""
        ...


def seed_of(random_state: int, *parts: object) -> int:
    """A seed of 31 bits for these parts, the same on every machine."""
    words = [random_state & 0xFFFFFFFF, *(zlib.crc32(str(p).encode()) for p in parts)]
    return int(np.random.SeedSequence(words).generate_state(1)[0] >> 1)
