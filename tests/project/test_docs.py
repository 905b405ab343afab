"""Pages come from the catalog: every method has one, and no page lists methods by hand."""

import re
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

import renorm

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def pages() -> ModuleType:
    pytest.importorskip("torch")
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import _pages
    finally:
        sys.path.remove(str(ROOT / "docs"))
    return _pages


def test_every_method_has_a_page_and_stands_in_both_views(pages: ModuleType) -> None:
    made = pages.methods()
    for card in renorm.methods(readings=True):
        text = made[f"methods/{card.kind}/{card.name}.rst"]
        assert f".. autoclass:: renorm.{card.kind}.{card.class_name}" in text
        link = f":doc:`{card.class_name} </methods/{card.kind}/{card.name}>`"
        for view in ("methods/index.rst", f"methods/{card.kind}/index.rst", "methods/by_normalized.rst"):
            assert (link in made[view]) == (card.fidelity != "reading"), f"{card.key} in {view}"


def test_a_reading_is_listed_apart(pages: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    cards = renorm.methods()
    cards[0] = replace(cards[0], fidelity="reading")
    monkeypatch.setattr(renorm, "methods", lambda readings: cards)
    made = pages.methods()
    link = f"</methods/{cards[0].kind}/{cards[0].name}>"
    assert [name for name, text in made.items() if link in text] == ["methods/readings.rst"]


def test_cards_are_escaped(pages: ModuleType) -> None:
    assert pages.escape("|x_| * `y`\\") == r"\|x\_\| \* \`y\`" + "\\\\"
    lines = [
        "all of |x| by scale_, but ``|x|`` and [1]_",
        ">>> x_ | y",
        "1_ | 2",
        "",
        "z_ ends",
        "(N, *spatial), **new** (N, *spatial), *odd*",
    ]
    pages.plain(None, "class", "x", None, None, lines)
    assert lines == [
        r"all of \|x\| by scale\_, but ``|x|`` and [1]_",
        ">>> x_ | y",
        "1_ | 2",
        "",
        r"z\_ ends",
        r"(N, \*spatial), **new** (N, \*spatial), *odd*",
    ]


def test_no_page_lists_methods_by_hand() -> None:
    """A page by hand may link kinds, never methods."""
    for path in [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "decisions").glob("*.md")]:
        assert not re.search(r"methods/\w+/(?!index)\w+", path.read_text(encoding="utf-8")), path.name
