"""Run a task on its splits, in parallel, and judge the scores."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from renorm.comparison.panel import LABELS
from renorm.comparison.result import Comparison, Contrast, Cost, Record
from renorm.comparison.stats import (
    CANNOT_TELL,
    EQUIVALENT,
    FAMILY,
    Posterior,
    claim,
    corrected_t_test,
    correlated_t,
    holm,
    repeats_needed,
)
from renorm.comparison.task import Budget, Metric, Outcome, Plan, Split, Task
from renorm.core.errors import OptionError

Progress = Callable[[int, int], None]
WORTH_PROCESSES = 4.0  # seconds of work; starting processes costs about as much
Scores = Mapping[str, Mapping[str, Sequence[float | None]]]


def evaluate(
    task: Task,
    *,
    budget: Budget | None = None,
    level: float = 0.95,
    jobs: int | None = None,
    progress: Progress | None = None,
    random_state: int = 0,
    command: str = "",
) -> Comparison:
    """Run every method of a task on the same splits with the same seeds, and judge.

    Parameters
    ----------
    task : Task
    budget : Budget, optional
        What each single run may spend; the same for all methods.
    level : float, default=0.95
        Family-wise level of the verdicts, and level of each interval.
    jobs : int, optional
        Processes; None: one for each core. Each process works with one thread.
    progress : callable (done, total), optional
    random_state : int, default=0
        Only written down: the task drew its splits and seeds from it.
    command : str, default=""
        What a reader types to repeat this.

    Returns
    -------
    Comparison
        The same, but for the times, for any number of jobs.
    """
    if not 0.5 < level < 1:
        raise OptionError("evaluate(level)", expected="a level between 0.5 and 1", got=repr(level))
    if jobs is not None and jobs < 1:
        raise OptionError("evaluate(jobs)", expected="at least 1", got=repr(jobs))
    start = time.perf_counter()
    outcomes = _run_all(task, budget, jobs, progress)
    scores = {m: {e: [o.scores[e] for o in outcomes[m]] for e in task.estimators} for m in task.methods}
    failures = {m: {e: _failed(outcomes[m], e) for e in task.estimators} for m in task.methods}
    costs = {m: {e: _cost(outcomes[m], e) for e in task.estimators} for m in task.methods}
    records = judge(
        scores,
        metric=task.metric,
        plan=task.plan,
        baseline=task.baseline,
        identity=task.identity,
        level=level,
        costs=costs,
        failures=failures,
    )
    facts = tuple(task.facts())
    told = dict(task.describe())
    notes = [*told.pop("notes", ()), *sorted({n for m in task.methods for o in outcomes[m] for n in o.notes})]
    settings = {
        "kind": task.kind,
        "name": task.name,
        "methods": list(task.methods),
        "baseline": task.baseline,
        "identity": task.identity,
        "estimators": list(task.estimators),
        "estimator_labels": {e: LABELS.get(e, e) for e in task.estimators},
        **told,
        "metric": {
            "name": task.metric.name,
            "label": task.metric.label,
            "greater_is_better": task.metric.greater_is_better,
            "rope": task.metric.rope,
            "rope_why": task.metric.rope_why,
        },
        "splits": {
            "name": task.plan.name,
            "folds": task.plan.folds,
            "repeats": task.plan.repeats,
            "ratio": task.plan.ratio,
            "reason": task.plan.reason,
            "train_rows": [len(s.train) for s in task.plan.splits],
            "test_rows": [len(s.test) for s in task.plan.splits],
            "seeds": [s.seed for s in task.plan.splits],
        },
        "budget": {"rows": None if budget is None else budget.rows, "steps": None if budget is None else budget.steps},
        "level": level,
        "family": FAMILY,
        "comparisons": family_size(scores, task.baseline, task.identity) if task.plan.ratio is not None else 0,
        "random_state": random_state,
        "command": command,
        "versions": versions(),
        "seconds": time.perf_counter() - start,
    }
    return Comparison(records, facts, scores, settings, tuple(notes))


def judge(
    scores: Scores,
    *,
    metric: Metric,
    plan: Plan,
    baseline: str,
    identity: str,
    level: float = 0.95,
    costs: Mapping[str, Mapping[str, Cost]] | None = None,
    failures: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[Record, ...]:
    """Verdicts for paired scores: the statistics alone, without running anything.

    Parameters
    ----------
    scores : mapping
        method -> estimator -> score of every split (None where it failed), in the metric's own units.
    """
    estimators = list(next(iter(scores.values())))
    pairs = {
        (m, reference, e): _measure(scores[m][e], scores[reference][e], metric, plan, (failures or {}).get(m, {}).get(e, ""))
        for m in scores
        for reference in {baseline: 0, identity: 0}
        for e in estimators
        if m != reference
    }
    # baseline against identity stands in both views, with opposite signs: it is one comparison
    family = [k for k, found in pairs.items() if not isinstance(found, str) and k[:2] != (identity, baseline)]
    if identity != baseline:
        family += [
            k
            for k in pairs
            if k[:2] == (identity, baseline) and (baseline, identity, k[2]) not in family and not isinstance(pairs[k], str)
        ]
    claims = {k: claim(pairs[k][1].probabilities(metric.rope)) for k in family}  # type: ignore[union-attr]
    accepted, required = holm([claims[k][1] for k in family], level)
    decided = {k: (a, r) for k, a, r in zip(family, accepted, required, strict=True)}
    for e in estimators:
        if (baseline, identity, e) in decided:
            decided[identity, baseline, e] = decided[baseline, identity, e]

    def contrast(method: str, reference: str, estimator: str) -> Contrast:
        if method == reference:
            ran = [s for s in scores[method][estimator] if s is not None]
            if not ran:
                return _no_verdict(reference, "it failed in every split", None)
            return Contrast(reference, EQUIVALENT, "the reference itself", 0.0, (0.0, 0.0), 0.0, 1.0, 0.0, None, None, None)
        found = pairs[method, reference, estimator]
        if isinstance(found, str):
            return _no_verdict(
                reference, found, _mean_difference(scores[method][estimator], scores[reference][estimator], metric)
            )
        differences, post = found
        probabilities = post.probabilities(metric.rope)
        said, _ = claim(probabilities)
        sure, asked = decided[method, reference, estimator]
        assert plan.ratio is not None  # else _measure gave a reason
        repeats = None
        if not sure and post.scale and plan.ratio:  # disjoint groups, ratio 0: only more data help
            repeats = repeats_needed(differences, folds=plan.folds, ratio=plan.ratio, rope=metric.rope, required=asked)
        return Contrast(
            reference,
            said if sure else CANNOT_TELL,
            "",
            post.mean,
            post.interval(level),
            *probabilities,
            asked,
            corrected_t_test(differences, plan.ratio)[1],
            repeats,
        )

    records = []
    for e in estimators:
        for m in scores:
            main = contrast(m, baseline, e)
            ran = [s for s in scores[m][e] if s is not None]
            records.append(
                Record(
                    **vars(main),
                    method=m,
                    estimator=e,
                    score=float(np.mean(ran)) if len(ran) == len(scores[m][e]) else None,
                    versus_identity=contrast(m, identity, e),
                    cost=costs[m][e] if costs else Cost(None, None, None, 0),
                )
            )
    return tuple(records)


def family_size(scores: Scores, baseline: str, identity: str) -> int:
    """How many comparisons are judged together: each method against baseline and identity, on each estimator, once."""
    pairs = {frozenset((m, r)) for m in scores for r in (baseline, identity) if m != r}
    complete = {m: {e for e, s in by.items() if None not in s} for m, by in scores.items()}
    return sum(len(set.intersection(*(complete[m] for m in pair))) for pair in pairs)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that the numbers depend on."""
    found = {"python": platform.python_version()}
    for name in ("renorm", "numpy", "scipy", "scikit-learn"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def _measure(
    mine: Sequence[float | None], theirs: Sequence[float | None], metric: Metric, plan: Plan, failure: str
) -> tuple[np.ndarray, Posterior] | str:
    """Differences and their posterior, or why there is none."""
    if plan.ratio is None:
        return plan.reason
    lost = sum(a is None for a in mine)
    if lost:
        return f"it failed in {lost} of {len(mine)} splits" + (f": {failure}" if failure else "")
    if None in theirs:
        return "the reference failed in some split"
    d = metric.sign * (np.array(mine, dtype=np.float64) - np.array(theirs, dtype=np.float64))
    return d, correlated_t(d, plan.ratio)


def _mean_difference(mine: Sequence[float | None], theirs: Sequence[float | None], metric: Metric) -> float | None:
    if None in mine or None in theirs:
        return None
    return float(metric.sign * np.mean(np.array(mine, dtype=np.float64) - np.array(theirs, dtype=np.float64)))


def _no_verdict(reference: str, reason: str, difference: float | None) -> Contrast:
    return Contrast(reference, CANNOT_TELL, reason, difference, None, None, None, None, None, None, None)


def _failed(outcomes: Sequence[Outcome], estimator: str) -> str:
    return next((o.failures[estimator] for o in outcomes if estimator in o.failures), "")


def _cost(outcomes: Sequence[Outcome], estimator: str) -> Cost:
    def mean(key: str) -> float | None:
        found = [o.seconds[key] for o in outcomes if key in o.seconds]
        return float(np.mean(found)) if found else None

    return Cost(mean("fit"), mean("transform"), mean(estimator), max(o.state_bytes for o in outcomes))


def _run_split(task: Task, split: Split, budget: Budget | None) -> list[Outcome]:
    """Every method on one split. The order turns with the split, so that no method always runs first."""
    count = len(task.methods)
    outcomes: dict[str, Outcome] = {}
    for i in range(count):
        method = task.methods[(i + split.index) % count]
        outcomes[method] = task.run(method, split, split.seed, budget)
    return [outcomes[m] for m in task.methods]


def _run_in_worker(task: Task, split: Split, budget: Budget | None) -> list[Outcome]:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return _run_split(task, split, budget)


def _run_all(task: Task, budget: Budget | None, jobs: int | None, progress: Progress | None) -> dict[str, list[Outcome]]:
    from joblib import Parallel, cpu_count, delayed, parallel_config
    from threadpoolctl import threadpool_limits

    splits = task.plan.splits
    found: dict[int, list[Outcome]] = {}
    workers = min(jobs or cpu_count(), len(splits))

    def done(split: Split, outcomes: list[Outcome]) -> None:
        found[split.index] = outcomes
        if progress is not None:
            progress(len(found), len(splits))

    # the first split runs here: it shows whether processes are worth their start
    start = time.perf_counter()
    with threadpool_limits(1):
        done(splits[0], _run_split(task, splits[0], budget))
        rest = splits[1:]
        if workers == 1 or (jobs is None and (time.perf_counter() - start) * len(rest) < WORTH_PROCESSES):
            for split in rest:
                done(split, _run_split(task, split, budget))
            rest = ()
    if rest:
        with parallel_config(backend="loky", n_jobs=workers, inner_max_num_threads=1):
            results = Parallel(return_as="generator")(delayed(_run_in_worker)(task, s, budget) for s in rest)
            for split, outcomes in zip(rest, results, strict=True):
                done(split, outcomes)
    return {m: [found[s.index][i] for s in splits] for i, m in enumerate(task.methods)}
