"""The registry of checks: what every method of a kind must pass, and which claims call for which check."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from renorm.core.card import Card
from renorm.core.catalog import catalog
from renorm.testing import evidence
from renorm.testing.evidence import Case


@dataclass(frozen=True)
class Subject:
    """What a check gets: the card, the class (looked up now, so a mutated one is seen) and the evidence."""

    card: Card
    evidence: ModuleType

    @property
    def cls(self) -> Any:
        """The class, looked up now."""
        return catalog().load(self.card.key)

    def cases(self) -> list[Case]:
        """Every case of the evidence."""
        return list(self.evidence.cases())


@dataclass(frozen=True)
class Check:
    """One check of a battery.

    ``applies`` says from the card alone whether it is required; ``quick`` checks also run against mutants.
    ``law`` names the law it decides: such a check gets ``holds=True`` for a declared law and must pass,
    ``holds=False`` for a declared not-law and must find a counterexample.
    """

    name: str
    kind: str
    run: Callable[..., None]
    applies: Callable[[Card], bool]
    quick: bool = False
    law: str = ""


_CHECKS: dict[tuple[str, str], Check] = {}


def check(
    kind: str, *, applies: Callable[[Card], bool] = lambda card: True, quick: bool = False, law: str = ""
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function ``(subject) -> None`` (for laws ``(subject, holds) -> None``) as a check of a kind."""

    def register(run: Callable[..., None]) -> Callable[..., None]:
        needed = (lambda card: law in card.laws or law in card.not_laws) if law else applies
        _CHECKS[kind, run.__name__] = Check(run.__name__, kind, run, needed, quick, law)
        return run

    return register


def laws_of(kind: str) -> set[str]:
    """Every law that the battery of a kind can decide."""
    _import(kind)
    return {c.law for (k, _), c in _CHECKS.items() if k == kind and c.law}


def _import(kind: str) -> None:
    importlib.import_module(f"renorm.testing.checks_{kind}")


def required(card: Card) -> list[Check]:
    """Return the checks that this card calls for, by name."""
    _import(card.kind)
    return [c for (kind, _), c in sorted(_CHECKS.items()) if kind == card.kind and c.applies(card)]


def subject(name: str) -> Subject:
    """Return the method with its evidence, ready for a check."""
    card = catalog().find(name)
    return Subject(card, evidence.load(card.key))


def run(check: Check, method: Subject) -> None:
    """Run one check; an AssertionError is its verdict."""
    if check.law:
        check.run(method, check.law in method.card.laws)
    else:
        check.run(method)
