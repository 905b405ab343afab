"""The one file of skips, ``tests/skips.toml``: which card, which check, why, and until when.

::

    [[skip]]
    card = "nn.batch_norm"
    check = "compiles"
    reason = "torch 2.13 breaks the graph here: link to the report"
    expires = 2026-06-30
"""

from __future__ import annotations

import datetime
import tomllib
from dataclasses import dataclass
from pathlib import Path

from renorm.core.errors import FileError
from renorm.testing import evidence


@dataclass(frozen=True)
class Skip:
    """A check that a card may leave out until a date."""

    card: str
    check: str
    reason: str
    expires: datetime.date

    def expired(self, today: datetime.date | None = None) -> bool:
        """Whether the date has passed."""
        return (today or datetime.datetime.now(tz=datetime.UTC).date()) > self.expires


def read(path: Path | None = None) -> list[Skip]:
    """Return the skips of a file (of the checkout's ``tests/skips.toml``).

    Raises
    ------
    FileError
        Where an entry lacks a field, a reason, or a date.
    """
    if path is None:
        base = evidence.root()
        if base is None:
            return []
        path = base / "tests" / "skips.toml"
    if not path.exists():
        return []
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("skip", [])
    out = []
    for entry in entries:
        wrong = set(entry) != {"card", "check", "reason", "expires"} or not isinstance(entry.get("expires"), datetime.date)
        if wrong or not str(entry["reason"]).strip():
            raise FileError(
                str(path), expected="card, check, reason and expires (a date) in every [[skip]]", got=repr(entry)
            )
        out.append(Skip(**entry))
    return out


def find(card: str, check: str, skips: list[Skip]) -> Skip | None:
    """Return the skip of one check of one card, or None."""
    return next((s for s in skips if (s.card, s.check) == (card, check)), None)
