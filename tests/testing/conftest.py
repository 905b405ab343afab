"""A private catalog: methods written into a temporary folder and served as an installed plugin would be."""

from __future__ import annotations

import importlib
import itertools
import re
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import renorm.testing
from renorm.core import catalog as catalogs
from renorm.testing import battery

CASES = "def cases():\n"
CHECKOUT = Path(__file__).resolve().parents[2]
_NUMBERS = itertools.count()


class Workshop:
    """A folder of methods with their evidence, seen by the catalog and by `renorm.testing` as a checkout's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.package = f"planted_{next(_NUMBERS)}"
        self.methods = folder / "plugin" / self.package
        self.methods.mkdir(parents=True)
        (self.methods / "__init__.py").write_text('"""Planted methods."""\n')
        record = folder / "plugin" / f"{self.package}-1.0.dist-info"
        record.mkdir()
        (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {self.package}\nVersion: 1.0\n")
        (record / "entry_points.txt").write_text(f"[renorm.methods]\nplanted = {self.package}\n")

    def add(self, key: str, source: str, evidence: str = "") -> str:
        """Write a method, and its evidence, and make the catalog read them."""
        kind, name = key.split(".")
        (self.methods / f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        tests = self.folder / "tests" / "methods" / kind
        tests.mkdir(parents=True, exist_ok=True)
        (tests / f"test_{name}.py").write_text(textwrap.dedent(evidence), encoding="utf-8")
        self.forget()
        return key

    def forget(self) -> None:
        """Read everything anew at the next look."""
        catalogs.catalog.cache_clear()
        importlib.invalidate_caches()
        for name in [n for n in sys.modules if n.startswith((self.package, "renorm_evidence_"))]:
            del sys.modules[name]


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    made = Workshop(tmp_path)
    for path in (CHECKOUT / "tests" / "methods").glob("*/test_*.py"):  # the real methods are in this catalog, too
        link = tmp_path / "tests" / "methods" / path.parent.name / path.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    (tmp_path / "tests" / "golden").symlink_to(CHECKOUT / "tests" / "golden")
    monkeypatch.syspath_prepend(str(tmp_path / "plugin"))
    monkeypatch.setenv("RENORM_ROOT", str(tmp_path))
    made.forget()
    yield made
    made.forget()


@pytest.fixture
def stand_in_battery(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], types.ModuleType]:
    """Put a battery in the place of a kind's: ``stand_in_battery("metric", source)``."""
    monkeypatch.setattr(battery, "_CHECKS", dict(battery._CHECKS))

    def put(kind: str, source: str) -> types.ModuleType:
        name = f"renorm.testing.checks_{kind}"
        for known in [k for k in battery._CHECKS if k[0] == kind]:
            del battery._CHECKS[known]
        module = types.ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.setattr(renorm.testing, f"checks_{kind}", module, raising=False)
        exec(textwrap.dedent(source), vars(module))
        return module

    return put


@pytest.fixture
def plant(workshop: Workshop) -> Callable[..., None]:
    """Make a method wrong on purpose: its check must go red, and must be green for an unchanged copy.

    ``plant(key, check, (old, new), ...)`` edits the source of a real method; ``append`` adds lines to its class.
    """

    def copy_of(
        key: str, name: str, edits: tuple[tuple[str, str], ...], append: str, evidence_edits: tuple[tuple[str, str], ...]
    ) -> str:
        card = catalogs.catalog().find(key)
        source = Path(card.source).read_text(encoding="utf-8")
        evidence = (CHECKOUT / "tests" / "methods" / card.kind / f"test_{card.name}.py").read_text(encoding="utf-8")
        source = re.sub(r"\n    aliases=\([^)]*\),", "", source)
        edits = ((f'    name="{card.name}",', f'    name="{name}",'), *edits)
        evidence_edits = ((f'METHOD = "{key}"', f'METHOD = "{card.kind}.{name}"'), *evidence_edits)
        for old, new in edits:
            assert old in source, f"{key} has no {old!r} any more"
            source = source.replace(old, new)
        for old, new in evidence_edits:
            assert old in evidence, f"the evidence of {key} has no {old!r} any more"
            evidence = evidence.replace(old, new)
        if append:
            public = re.search(r"^class (?!_)\w+.*?(?=^\S|\Z)", source, re.MULTILINE | re.DOTALL)
            assert public is not None
            body = textwrap.indent(textwrap.dedent(append).strip("\n"), "    ")
            source = source[: public.end()].rstrip("\n") + "\n\n" + body + "\n\n\n" + source[public.end() :]
        # a class name is used once in a kind
        source = re.sub(rf"(?<!\bnn\.)\b{card.class_name}\b", name.capitalize(), source)
        return workshop.add(f"{card.kind}.{name}", source, evidence)

    def verdict(key: str, check: str) -> str:
        found = battery.subject(key)
        (one,) = [c for c in battery.required(found.card) if c.name == check]
        try:
            battery.run(one, found)
        except (NameError, AttributeError, ImportError, SyntaxError, TypeError):
            raise  # a plant that does not even run shows nothing
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return ""

    def run(
        key: str,
        check: str,
        *edits: tuple[str, str],
        append: str = "",
        evidence: tuple[tuple[str, str], ...] = (),
        also: tuple[tuple[str, str], ...] = (),
        cases: int = 0,
    ) -> str:
        """``also``: edits that the unchanged copy gets too; ``cases``: how many to keep, where a check is dear."""
        few = ((CASES, f"def cases():\n    return _cases()[:{cases}]\n\n\ndef _cases():\n"),) if cases else ()
        evidence = (*few, *evidence)
        right = copy_of(key, "unchanged", also, "", few)
        assert verdict(right, check) == "", "the unchanged copy does not pass"
        wrong = copy_of(key, "planted", (*also, *edits), append, evidence)
        said = verdict(wrong, check)
        assert said, f"{check} does not notice"
        return said

    return run
