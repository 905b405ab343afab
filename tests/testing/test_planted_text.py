"""Wrong text normalizers: each turns the check red that is meant for it."""

from __future__ import annotations

import pytest

from renorm.testing import battery

GEEZ = "text.geez_homophones"
YIELD = "            yield Edit(at, found.end(), *self._table[s[at]])\n"
EDITS = "        for found in self._find.finditer(s):\n"
ROW = '"ሐሑሒሓሔሕሖ": "ሀሁሂሀሄህሆ"'

# check -> what is wrong, edits of the source, lines added to the class
PLANTS: dict[str, list[tuple[str, list[tuple[str, str]], str]]] = {
    "oracle": [
        ("swaps two letters", [(ROW, '"ሐሑሒሓሔሕሖ": "ሁሀሂሀሄህሆ"')], ""),
        ("names another rule", [('f"homophone_{name}"', 'f"homophones_{name}"')], ""),
    ],
    "must_change": [("leaves a family out", [('= ("h", "s", "a", "ts")) -> None', '= ("h", "s", "a")) -> None')], "")],
    "must_not_change": [("merges labialised letters", [(ROW, '"ሗ": "ሀ", ' + ROW)], "")],
    "edits_are_sound": [
        ("has a second path that drifts", [], "def __call__(self, s):\n    return super().__call__(s).strip()"),
        ("explains other edits than it makes", [], "def explain(self, s):\n    return super().explain(s + ' ')"),
        ("overlaps", [(YIELD, YIELD + YIELD.replace("found.end()", "min(at + 2, len(s))"))], ""),
        ("names no rule", [('(f"homophone_{name}",))', "())")], ""),
        (
            "edits what it does not change",
            [(EDITS, "        yield from (Edit(0, 1, s[0], ('none',)) for _ in s[:1])\n" + EDITS)],
            "",
        ),
    ],
    "offsets": [
        (
            "hides an edit from the positions",
            [],
            "def explain(self, s):\n    t = super().explain(s)\n    return type(t)(s, t.output, t.edits[1:], repr(self))",
        ),
    ],
    "refuses_what_is_no_string": [("takes bytes", [], "def __call__(self, s):\n    return super().__call__(str(s))")],
    "hostile_strings": [
        ("fails on surrogates", [(EDITS, "        s.encode()\n" + EDITS)], ""),
        (
            "changes its mind",
            [
                (YIELD, YIELD + "            self._table.pop(s[at], None)\n"),
                ("_table[s[at]]", "_table.get(s[at], ('ሀ', ('h',)))"),
            ],
            "",
        ),
    ],
    "linear_time": [("counts every letter anew", [(EDITS, "        sum(s.count(c + ' ') for c in s[::20])\n" + EDITS)], "")],
    "options": [
        ("never reads its option", [("            for name in families\n", "            for name in _FAMILIES\n")], ""),
        (
            "documents another default",
            [('default=("h", "s", "a", "ts")\n', 'default=("h", "s", "a")\n')],
            "",
        ),
    ],
    "copies": [("changes its option", [("self.families = families", "self.families = tuple(reversed(families))")], "")],
    "series": [
        (
            "gives a list for every column",
            [],
            "def transform(self, series, *, jobs=1, batch=9):\n    return [None if s is None else self(s) for s in series]",
        ),
    ],
    "idempotent": [
        (
            "adds a mark each time",
            [(EDITS, EDITS.replace("for", "yield from (Edit(0, 0, '!', ('mark',)) for _ in s[:1])\n        for", 1))],
            "",
        ),
    ],
    "length_preserving": [("drops letters", [(YIELD, "            yield Edit(at, found.end(), '', ('drop',))\n")], "")],
    "segmentwise": [("stops at a bracket", [(EDITS, "        if '<' in s:\n            return\n" + EDITS)], "")],
}
ALL = [(check, *plant) for check, plants in PLANTS.items() for plant in plants]


@pytest.mark.parametrize(("check", "wrong", "edits", "append"), ALL, ids=[f"{c}: {w}" for c, w, *_ in ALL])
def test_planted(plant, monkeypatch, check, wrong, edits, append) -> None:
    plant(GEEZ, check, *edits, append=append)


def test_every_check_has_a_plant() -> None:
    battery.laws_of("text")
    assert {name for kind, name in battery._CHECKS if kind == "text"} == set(PLANTS)
