"""No silent loss: what a session must run, written down as it runs, and compared at its end."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterable
from pathlib import Path

from renorm.core.card import Card
from renorm.core.catalog import catalog
from renorm.testing import battery

FOLDER = "RENORM_LEDGER"  # the variable that names the folder of this session
WITHOUT = "RENORM_WITHOUT"  # packages that a job leaves out on purpose: "torch,ftfy"


def absent(card: Card) -> list[str]:
    """Return the packages that a card requires and this environment lacks."""
    return [name for name in card.requires if importlib.util.find_spec(name) is None]


def cards() -> list[Card]:
    """Return the cards that this environment can run, by full name."""
    return sorted((c for c in catalog() if not absent(c)), key=lambda c: c.key)


def expected() -> list[tuple[str, str]]:
    """Every (card, check) that must run and pass here."""
    return [(card.key, check.name) for card in cards() for check in battery.required(card)]


def note(*words: str) -> None:
    """Write one line into this process's page of the session's ledger, where there is one."""
    folder = os.environ.get(FOLDER)
    if folder:
        with (Path(folder) / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as page:
            page.write(json.dumps(words) + "\n")


def passed(card: str, check: str) -> None:
    """Write down that a check ran and passed (or was skipped by the file of skips)."""
    note("passed", card, check)


def entries(folder: str | Path) -> list[list[str]]:
    """Return every line of every process's page."""
    pages = sorted(Path(folder).glob("*.jsonl"))
    return [json.loads(line) for page in pages for line in page.read_text(encoding="utf-8").splitlines()]


def lost(found: Iterable[list[str]]) -> list[str]:
    """Return the expected checks that no entry says passed, as ``card::check``."""
    seen = {(words[1], words[2]) for words in found if words[0] == "passed"}
    return [f"{card}::{check}" for card, check in expected() if (card, check) not in seen]
