"""Planted wrong normalizers: each check of the text battery turns red on what it is meant to catch."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest

import renorm.testing.checks_text as checks
from renorm.core.card import Card
from renorm.testing import Case, battery
from renorm.testing.checks_text import codes
from renorm.text import Edit, Explanation, TextNormalizer

CARD = Card(
    name="spaced",
    kind="text",
    normalizes="strings",
    statistic="runs of stars",
    axes="per character",
    paper="",
    fidelity="formula",
    laws=("idempotent", "segmentwise"),
    not_laws=("length_preserving",),
)


class Right(TextNormalizer):
    """Squeeze runs of stars.

    Parameters
    ----------
    keep : int, default=1
    """

    def __init__(self, *, keep: int = 1) -> None:
        self.keep = keep

    def edits(self, s: str) -> Iterator[Edit]:
        start = 0
        for at in range(len(s) + 1):
            if s[at : at + 1] != "*":
                if at - start > self.keep:
                    yield Edit(start + self.keep, at, "", ("stars",))
                start = at + 1


class OffByOne(Right):
    def edits(self, s: str) -> Iterator[Edit]:
        for e in super().edits(s):
            yield e._replace(start=e.start - 1, new="*" if e.end - e.start > 2 else "")


class NothingChanged(Right):
    def edits(self, s: str) -> Iterator[Edit]:
        yield from super().edits(s)
        if s and s[-1] != "*":
            yield Edit(len(s) - 1, len(s), s[-1], ("nothing",))


class OutOfOrder(Right):
    def edits(self, s: str) -> list[Edit]:
        return list(super().edits(s))[::-1]


class OutOfRange(Right):
    def edits(self, s: str) -> Iterator[Edit]:
        yield from super().edits(s)
        if s.endswith("x"):
            yield Edit(len(s), len(s) + 1, "y", ("past",))


class NoReason(Right):
    def edits(self, s: str) -> list[Edit]:
        return [e._replace(rules=()) for e in super().edits(s)]


class OtherCall(Right):
    def __call__(self, s: str) -> str:
        return super().__call__(s).replace("\t", " ")


class OtherExplain(Right):
    def explain(self, s: str) -> Explanation:
        told = super().explain(s)
        return replace(told, output=told.output.strip())


class Shifted(Right):
    def explain(self, s: str) -> Explanation:
        class Wrong(Explanation):
            def to_input(self, position: int) -> int:
                return min(position, len(self.input))

        return Wrong(*vars(super().explain(s)).values())


class NotTotal(Right):
    def edits(self, s: str) -> Iterator[Edit]:
        s.encode("utf-8")
        return super().edits(s)


class Forgetful(Right):
    """Its second answer is not its first."""

    calls = 0

    def edits(self, s: str) -> list[Edit]:
        Forgetful.calls += 1
        return list(super().edits(s))[: Forgetful.calls % 2 or None]


class Quadratic(Right):
    def edits(self, s: str) -> Iterator[Edit]:
        sum(c in s[:at] for at, c in enumerate(s[:20000]) if c not in "\x01")
        end = time.process_time() + len(s) ** 2 * 1e-9
        while time.process_time() < end:
            pass
        return super().edits(s)


class Insatiable(Right):
    """Takes one star of each run at a time."""

    def edits(self, s: str) -> list[Edit]:
        return [e._replace(start=e.end - 1) for e in super().edits(s)]


class AcrossLines(Right):
    """Sticky: a < turns it off for all that follows."""

    def edits(self, s: str) -> list[Edit]:
        stop = s.find("<")
        return [e for e in super().edits(s) if stop < 0 or e.start < stop]


class DeadOption(Right):
    """Squeeze runs of stars.

    Parameters
    ----------
    keep : int, default=1
    unused : bool, default=False
    """

    def __init__(self, *, keep: int = 1, unused: bool = False) -> None:
        self.keep, self.unused = keep, unused


class OtherDefault(Right):
    """Squeeze runs of stars.

    Parameters
    ----------
    keep : int, default=2
    """


class Converted(Right):
    """Changes its option, so that a clone differs."""

    def __init__(self, *, keep: int = 1) -> None:
        self.keep = keep + 1


class Unbatched(Right):
    def transform(self, series: Any, *, jobs: int | None = 1, batch: int = 4096) -> Any:
        return [v if v is None else self(v) for v in series]


class Filled(Right):
    def transform(self, series: Any, *, jobs: int | None = 1, batch: int = 4096) -> Any:
        return super().transform(["" if v is None else v for v in series] if isinstance(series, list) else series)


class Coerces(Right):
    def explain(self, s: Any) -> Explanation:
        return super().explain(str(s))


class DoesNothing(Right):
    def edits(self, s: str) -> Iterator[Edit]:
        return iter(())


class Greedy(Right):
    def edits(self, s: str) -> list[Edit]:
        return [Edit(i, i + 1, "", ("all",)) for i, c in enumerate(s) if c == "*" and (i == 0 or s[i - 1] in "* ")]


def oracle(case: Case) -> dict[str, Any]:
    out = ""
    for c in case.x:
        if c != "*" or not out.endswith("*" * case.options.get("keep", 1)):
            out += c
    return {"y": codes(out)}


EVIDENCE = SimpleNamespace(
    cases=lambda: [
        Case("default", "a***b*c****\n<b>**x"),
        Case("two", "***\n*", {"keep": 2}),
        Case("all", "**", {"keep": 2}),
    ],
    oracle=oracle,
    MUST_CHANGE=[("**", "*"), ("a***b\td x", "a*b\td x")],
    MUST_NOT_CHANGE=["a *b* c", "  x"],
    COUNTEREXAMPLES={"length_preserving": "**"},
)


@dataclass(frozen=True)
class Planted(battery.Subject):
    wrong: type[TextNormalizer] = Right

    @property
    def cls(self) -> Any:
        return self.wrong


def run(name: str, wrong: type[TextNormalizer], card: Card = CARD, evidence: Any = EVIDENCE) -> None:
    sys.modules.setdefault(__name__, sys.modules[wrong.__module__])  # so that pickle finds the class
    (check,) = (c for c in battery.required(card) if c.name == name)
    battery.run(check, Planted(card, evidence, wrong))


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "HOSTILE", 200)


@pytest.mark.parametrize("name", [c.name for c in battery.required(CARD)])
def test_a_right_one_passes(name: str) -> None:
    run(name, Right)


PLANTS = [
    ("oracle", OffByOne),
    ("oracle", Greedy),
    ("edits_are_sound", NothingChanged),
    ("edits_are_sound", OutOfOrder),
    ("edits_are_sound", OutOfRange),
    ("edits_are_sound", NoReason),
    ("edits_are_sound", OtherCall),
    ("edits_are_sound", OtherExplain),
    ("offsets", Shifted),
    ("hostile_strings", NotTotal),
    ("hostile_strings", Forgetful),
    ("linear_time", Quadratic),
    ("idempotent", Insatiable),
    ("segmentwise", AcrossLines),
    ("options", DeadOption),
    ("options", OtherDefault),
    ("copies", Converted),
    ("series", Unbatched),
    ("series", Filled),
    ("refuses_what_is_no_string", Coerces),
    ("must_change", DoesNothing),
    ("must_not_change", Greedy),
]


@pytest.mark.parametrize(("name", "wrong"), PLANTS)
def test_a_wrong_one_is_caught(name: str, wrong: type[TextNormalizer]) -> None:
    with pytest.raises((AssertionError, UnicodeEncodeError, RuntimeError)):  # scikit-learn's clone raises the last
        run(name, wrong)


def test_every_check_has_caught_something() -> None:
    caught = {name for name, _ in PLANTS} | {"length_preserving"}
    assert {c.name for c in battery.required(CARD)} == caught


def test_claims_about_laws_are_tested_both_ways() -> None:
    claims = replace(CARD, laws=("length_preserving",), not_laws=("idempotent", "segmentwise"))
    stored = SimpleNamespace(**{**vars(EVIDENCE), "COUNTEREXAMPLES": {"idempotent": "**", "segmentwise": "**"}})
    for law, words in (
        ("length_preserving", "broken on"),
        ("idempotent", "does not break"),
        ("segmentwise", "does not break"),
    ):
        with pytest.raises(AssertionError, match=words):
            run(law, Right, claims, stored)


def test_empty_corpora_are_caught() -> None:
    for name in ("MUST_CHANGE", "MUST_NOT_CHANGE"):
        with pytest.raises(AssertionError, match="is empty"):
            run(name.lower(), Right, CARD, SimpleNamespace(**{**vars(EVIDENCE), name: []}))
    with pytest.raises(AssertionError, match="no cases"):
        run("oracle", Right, CARD, SimpleNamespace(**{**vars(EVIDENCE), "cases": list}))
