"""What the README shows is what happens."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
RUN = re.search(r"^```text\n\$ (renorm compare [^\n]*)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_there_are_three_doors() -> None:
    assert [
        bool(re.search(pattern, text)) for pattern, text in zip(("table", r"\bnn\b", "text"), EXAMPLES, strict=True)
    ] == [True] * 3
    assert all(3 <= text.count(">>> ") <= 5 for text in EXAMPLES)


@pytest.mark.parametrize("door", range(len(EXAMPLES)))
def test_examples_give_what_they_show(door: int) -> None:
    if "import torch" in EXAMPLES[door]:
        pytest.importorskip("torch")
    test = doctest.DocTestParser().get_doctest(EXAMPLES[door], {}, f"README example {door}", "README.md", 0)
    said: list[str] = []
    found = doctest.DocTestRunner().run(test, out=said.append)
    assert found.attempted
    assert not found.failed, "".join(said)


def test_the_run_is_the_demo() -> None:
    """CI compares the lines below the command with what the demo prints."""
    assert RUN is not None
    command, shown = RUN.groups()
    assert command in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "equivalent" in shown
    assert "better" in shown or "worse" in shown


def test_links_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("changes/*.md"), *ROOT.glob("bench/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            assert "://" in target or (page.parent / target).exists(), f"{page.name}: {target}"
