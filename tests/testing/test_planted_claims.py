"""False claims: a law that holds, denied, and a law that fails, claimed, turn the law's check red."""

from __future__ import annotations

from dataclasses import replace

import pytest

from renorm.testing import battery, ledger


def claims() -> list[tuple[str, str, str]]:
    """For every law a card that has it and a card that denies it."""
    found: dict[tuple[str, str, str], str] = {}
    for card in ledger.cards():
        for field in ("laws", "not_laws"):
            for law in getattr(card, field):
                found.setdefault((card.kind, law, field), card.key)
    return [(law, field, key) for (_, law, field), key in found.items()]


@pytest.mark.parametrize(("law", "field", "key"), claims())
def test_a_false_claim_is_noticed(law, field, key) -> None:
    """A law that holds is denied; one that fails is claimed."""
    real = battery.subject(key)
    (check,) = [c for c in battery.required(real.card) if c.law == law]
    battery.run(check, real)
    claimed = {"laws": (), "not_laws": (law,)} if field == "laws" else {"laws": (law,), "not_laws": ()}
    with pytest.raises((AssertionError, AttributeError, KeyError)):  # a denied law may lack its counterexample
        battery.run(check, replace(real, card=replace(real.card, **claimed)))
