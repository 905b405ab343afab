"""The result of a comparison: data first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from renorm.comparison.stats import BETTER, CANNOT_TELL, EQUIVALENT, WORSE
from renorm.comparison.task import ColumnFact
from renorm.core.errors import FileError

FORMAT = 1
NOT_WORSE = 0.05


@dataclass(frozen=True)
class Contrast:
    """One method against a reference, on one estimator.

    Parameters
    ----------
    verdict : {"better", "equivalent", "worse", "cannot tell"}
    reason : str
        Why nothing can be told, or what is special; ``""`` otherwise.
    difference : float or None
        Mean over the splits; positive is better, for errors too.
    interval : (float, float) or None
        Central posterior interval of this one difference, at the comparison's level.
    p_better, p_equivalent, p_worse : float or None
    p_required : float or None
        The probability that Holm's step-down asked of this verdict.
    p_value : float or None
        Two-sided, of the corrected resampled t-test without a ROPE, uncorrected for the family: a cross-check.
    repeats_needed : int or None
        For ``"cannot tell"``: about how many repeats of the splits would decide; None where no number would.
    """

    reference: str
    verdict: str
    reason: str
    difference: float | None
    interval: tuple[float, float] | None
    p_better: float | None
    p_equivalent: float | None
    p_worse: float | None
    p_required: float | None
    p_value: float | None
    repeats_needed: int | None


@dataclass(frozen=True)
class Cost:
    """Mean seconds a split, and the size of the fitted normalizer."""

    fit_seconds: float | None
    transform_seconds: float | None
    estimator_seconds: float | None
    state_bytes: int

    @property
    def normalizer_seconds(self) -> float:
        """Fit and transform of the normalizer; inf where it never ran."""
        if self.fit_seconds is None or self.transform_seconds is None:
            return float("inf")
        return self.fit_seconds + self.transform_seconds


@dataclass(frozen=True)
class Record(Contrast):
    """One method on one estimator: the contrast with the baseline, and beside it the one with identity."""

    method: str
    estimator: str
    score: float | None
    versus_identity: Contrast
    cost: Cost


@dataclass(frozen=True)
class Comparison:
    """Which normalizer helps here: records, facts and everything needed to repeat them.

    Parameters
    ----------
    records : tuple of Record
        One for each estimator and method.
    facts : tuple of ColumnFact
        What each normalizer did to each column.
    scores : dict
        method -> estimator -> score of every split, None where it failed: all numbers above follow from these.
    settings : dict
        Task, methods, splits, seeds, scoring, rope, versions, data hash, command, ...
    notes : tuple of str, default=()
    """

    records: tuple[Record, ...]
    facts: tuple[ColumnFact, ...]
    scores: dict[str, dict[str, list[float | None]]]
    settings: dict[str, Any]
    notes: tuple[str, ...] = ()

    def record(self, method: str, estimator: str) -> Record:
        """Return the record of one method on one estimator."""
        for r in self.records:
            if (r.method, r.estimator) == (method, estimator):
                return r
        raise KeyError((method, estimator))

    def of(self, method: str) -> list[Record]:
        """Return the records of one method."""
        return [r for r in self.records if r.method == method]

    @cached_property
    def best_(self) -> str:
        """The method to take.

        A method that is better than the baseline somewhere and worse nowhere, the one with most such verdicts; where
        there is none, the cheapest (fit and transform) of those not worse: on every estimator P(worse) <= 0.05.
        """
        baseline, methods = self.settings["baseline"], self.settings["methods"]
        wins = {m: sum(r.verdict == BETTER for r in self.of(m)) for m in methods}
        fit = [m for m in methods if m == baseline or all(_not_worse(r) for r in self.of(m))]
        winners = [m for m in fit if wins[m]]
        if winners:
            return max(winners, key=lambda m: (wins[m], -self._seconds(m)))
        return min(fit, key=self._seconds)

    def _seconds(self, method: str) -> float:
        return max(r.cost.normalizer_seconds for r in self.of(method))

    @cached_property
    def answer(self) -> str:
        """The answer in plain words; part of it may be "no difference"."""
        baseline, identity = self.settings["baseline"], self.settings["identity"]
        where = self.settings["estimator_labels"]
        parts = []
        if baseline != identity:
            found: dict[str, list[str]] = {}
            for r in self.of(baseline):
                found.setdefault(r.versus_identity.verdict, []).append(where[r.estimator])
            words = {
                BETTER: f"{baseline} beats {identity} for {{}}",
                WORSE: f"{baseline} is worse than {identity} for {{}}",
                EQUIVALENT: "for {} there is no practical difference",
                CANNOT_TELL: "for {} these splits cannot tell",
            }
            parts.append("; ".join(t.format(_listed(found[v])) for v, t in words.items() if v in found))
            if BETTER not in found and WORSE not in found:
                parts[0] = f"{baseline} against {identity}: {parts[0]}"
        better = [
            f"{r.method} for {where[r.estimator]}" for r in self.records if r.verdict == BETTER and r.method != identity
        ]
        others = [m for m in self.settings["methods"] if m not in (baseline, identity)]
        if better:
            parts.append(f"better than {baseline}: {_listed(better)}")
        elif others:
            parts.append(f"none of {_listed(others)} is shown to be better than {baseline}")
        same = [e for e in self.settings["estimators"] if self._all_same(e)]
        if same:
            parts.append(f"for {_listed([where[e] for e in same])} all methods are equivalent")
        best = self.best_
        wins = any(r.verdict == BETTER for r in self.of(best))
        why = "better somewhere, worse nowhere" if wins else "the cheapest that is not worse"
        parts.append(f"take {best}: {why}")
        return " ".join(p[0].upper() + p[1:] + "." for p in parts)

    def summary(self, method: str) -> dict[str, Any]:
        """What one normalizer did to all columns together: sums and extremes of its facts."""
        facts = [f for f in self.facts if f.method == method]

        def extreme(pick: Any, values: list[float | None]) -> float | None:
            found = [v for v in values if v is not None]
            return pick(found) if found else None

        return {
            "method": method,
            "columns": len(facts),
            "distinct": sum(f.distinct for f in facts),
            "collapsed": sum(f.collapsed for f in facts),
            "promise": next((f.promise for f in facts), ""),
            "std_low": extreme(min, [f.std for f in facts]),
            "std_high": extreme(max, [f.std for f in facts]),
            "iqr_low": extreme(min, [f.iqr for f in facts]),
            "iqr_high": extreme(max, [f.iqr for f in facts]),
            "inverse_error": extreme(max, [f.inverse_error for f in facts]),
        }

    def _all_same(self, estimator: str) -> bool:
        return all(r.verdict == EQUIVALENT for r in self.records if r.estimator == estimator)

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON takes it; ``answer``, ``best`` and ``summaries`` follow from the rest."""
        return {
            "format": FORMAT,
            "answer": self.answer,
            "best": self.best_,
            "records": [_plain(asdict(r)) for r in self.records],
            "summaries": [self.summary(m) for m in self.settings["methods"]],
            "facts": [_plain(asdict(f)) for f in self.facts],
            "scores": self.scores,
            "settings": self.settings,
            "notes": list(self.notes),
        }

    def to_json(self, indent: int | None = 1) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False, ensure_ascii=True)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Comparison:
        """Read what `to_dict` wrote."""
        if not isinstance(data, Mapping) or data.get("format") != FORMAT:
            got = data.get("format") if isinstance(data, Mapping) else type(data).__name__
            raise FileError("Comparison.from_dict", expected=f"a comparison of format {FORMAT}", got=repr(got))
        try:
            return cls(
                records=tuple(_record(r) for r in data["records"]),
                facts=tuple(ColumnFact(**f) for f in data["facts"]),
                scores=data["scores"],
                settings=data["settings"],
                notes=tuple(data["notes"]),
            )
        except (KeyError, TypeError) as error:
            raise FileError("Comparison.from_dict", expected="every field of a comparison", got=str(error)) from error

    @classmethod
    def from_json(cls, text: str) -> Comparison:
        """Read what `to_json` wrote."""
        try:
            return cls.from_dict(json.loads(text))
        except json.JSONDecodeError as error:
            raise FileError("Comparison.from_json", expected="JSON", got=str(error)) from error

    def to_frame(self) -> Any:
        """One row a record: a pandas frame where pandas is installed, else a pyarrow table."""
        rows = []
        for r in self.records:
            flat = asdict(r)
            other, cost, interval = flat.pop("versus_identity"), flat.pop("cost"), flat.pop("interval")
            flat["interval_low"], flat["interval_high"] = interval or (None, None)
            rows.append({**flat, "verdict_versus_identity": other["verdict"], **cost})
        first = ("estimator", "method", "verdict", "score", "difference", "interval_low", "interval_high")
        columns = [*first, *(k for k in rows[0] if k not in first)]
        table = {k: [row[k] for row in rows] for k in columns}
        try:
            import pandas as pd
        except ImportError:
            import pyarrow as pa

            return pa.table(table)
        return pd.DataFrame(table)

    def _repr_html_(self) -> str:
        from renorm.report import html_fragment

        return html_fragment(self.to_dict())

    def __str__(self) -> str:
        from renorm.report import terminal_text

        return terminal_text(self.to_dict())

    def __repr__(self) -> str:
        s = self.settings
        size = f"{len(s['methods'])} methods x {len(s['estimators'])} estimators"
        return f"Comparison({s['name']!r}, {size}, best {self.best_!r})"


def _not_worse(r: Record) -> bool:
    return r.p_worse is not None and r.p_worse <= NOT_WORSE and r.verdict != WORSE


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _contrast(data: Mapping[str, Any]) -> dict[str, Any]:
    return {**data, "interval": None if data["interval"] is None else tuple(data["interval"])}


def _record(data: Mapping[str, Any]) -> Record:
    fields = _contrast(data)
    return Record(
        **{**fields, "versus_identity": Contrast(**_contrast(data["versus_identity"])), "cost": Cost(**data["cost"])}
    )
