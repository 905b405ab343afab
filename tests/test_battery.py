"""Every method of the catalog against its battery, and what must be true of every method's two files.

Nothing here names a method: what is required follows from the cards. That all of it ran is checked at the end of
the session, in conftest.py.
"""

from __future__ import annotations

import ast
import datetime
import importlib.util
import inspect
import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

import renorm
from renorm.core.card import KINDS, read
from renorm.core.catalog import Catalog, catalog
from renorm.testing import battery, docstrings, layout, ledger, receipts, skips

TESTS = Path(__file__).resolve().parent
PACKAGE = Path(renorm.__file__).resolve().parent
CARDS = {card.key: card for card in ledger.cards()}
SKIPS = skips.read(TESTS / "skips.toml")
EVIDENCE = sorted((TESTS / "methods").glob("*/test_*.py"))
each_card = pytest.mark.parametrize("key", CARDS)


@pytest.mark.parametrize(("key", "check"), ledger.expected())
def test_check(key: str, check: str) -> None:
    skip = skips.find(key, check, SKIPS)
    if skip is not None:
        assert not skip.expired(), f"the skip of {check} for {key} ended on {skip.expires}: {skip.reason}"
        ledger.passed(key, check)
        pytest.skip(f"until {skip.expires}: {skip.reason}")
    (found,) = (c for c in battery.required(CARDS[key]) if c.name == check)
    battery.run(found, battery.subject(key))
    ledger.passed(key, check)


# skips and environment -----------------------------------------------------------------------------------------------


def test_skips_are_used() -> None:
    known = set(ledger.expected())
    assert [s for s in SKIPS if (s.card, s.check) not in known] == []


def test_skips_end() -> None:
    assert [s for s in SKIPS if s.expired()] == []


def test_the_skips_file_is_strict(tmp_path: Path) -> None:
    file = tmp_path / "skips.toml"
    good = '[[skip]]\ncard = "a.b"\ncheck = "c"\nreason = "r"\nexpires = 2020-01-01\n'
    file.write_text(good)
    (one,) = skips.read(file)
    assert one.expired()
    assert not one.expired(today=datetime.date(2020, 1, 1))
    for bad in (good.replace('"r"', '" "'), good.replace("2020-01-01", '"2020-01-01"'), good.replace('check = "c"\n', "")):
        file.write_text(bad)
        with pytest.raises(renorm.RenormError, match="every"):
            skips.read(file)


def test_nothing_is_left_out_of_this_environment() -> None:
    allowed = set(filter(None, os.environ.get(ledger.WITHOUT, "").split(",")))
    left_out = {card.key: ledger.absent(card) for card in catalog() if ledger.absent(card)}
    assert {key: names for key, names in left_out.items() if not allowed & set(names)} == {}


# cards, evidence and receipts ----------------------------------------------------------------------------------------


def test_every_method_file_has_a_card() -> None:
    files = {p for kind in KINDS for p in (PACKAGE / kind).glob("*.py") if not p.name.startswith("_")}
    assert sorted(str(p) for p in files if read(p) is None) == []
    assert {Path(card.source) for card in catalog() if card.module.startswith("renorm.")} == files


def test_every_evidence_file_has_a_card() -> None:
    keys = {f"{path.parent.name}.{path.stem.removeprefix('test_')}" for path in EVIDENCE}
    assert keys - {card.key for card in catalog()} == set()
    assert {card.key for card in catalog()} - keys == set()


@each_card
def test_evidence_is_complete(key: str) -> None:
    assert layout.evidence_faults(CARDS[key]) == []


@each_card
def test_every_law_is_decided(key: str) -> None:
    assert layout.card_faults(CARDS[key]) == []


def test_every_check_is_required_by_some_card() -> None:
    used = {(CARDS[key].kind, check) for key, check in ledger.expected()}
    kinds = {card.kind for card in CARDS.values()}
    known = {(kind, name) for (kind, name), check in battery._CHECKS.items() if kind in kinds and not check.law}
    assert known - used == set()


@each_card
def test_a_receipt_is_shipped(key: str) -> None:
    record = receipts.load(key)
    assert record["name"] == key
    assert record["mutants"]["share"] >= 0.95
    assert set(record["parts"]) >= {"method", "base", "core", "evidence"}


# method files --------------------------------------------------------------------------------------------------------


@each_card
def test_method_file_is_laid_out(key: str) -> None:
    assert layout.method_faults(CARDS[key]) == []


@each_card
def test_docstring_is_complete_and_its_defaults_are_the_codes(key: str) -> None:
    assert layout.docstring_faults(CARDS[key]) == []


def public_functions() -> list[str]:
    found = [n for n in renorm.__all__ if inspect.isfunction(getattr(renorm, n)) or inspect.isclass(getattr(renorm, n))]
    return [n for n in found if docstrings.parameters(getattr(renorm, n).__doc__)]


@pytest.mark.parametrize("name", public_functions())
def test_public_docstring_defaults_are_the_codes(name: str) -> None:
    target = getattr(renorm, name)
    assert docstrings.wrong_defaults(target, target.__doc__) == []


def needs(path: Path) -> set[str]:
    """Packages that a module of renorm cannot be imported without, by what it and its folder import at the top."""
    folder = path.parent.name
    files = path.parent.glob("*.py") if folder in KINDS or folder == "tensor" else [path]
    names = {name for card in catalog() for name in card.requires if path == Path(card.source)}
    if any(re.search(r"^(import|from) torch\b", file.read_text(encoding="utf-8"), re.MULTILINE) for file in files):
        names.add("torch")
    return names


def modules_with_examples() -> list[str]:
    out = []
    for path in sorted(PACKAGE.rglob("*.py")):
        here = all(importlib.util.find_spec(name) is not None for name in needs(path))
        if here and ">>> " in path.read_text(encoding="utf-8"):
            parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
            out.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return out


@pytest.mark.parametrize("module", modules_with_examples())
def test_examples_run(module: str) -> None:
    _, failed = docstrings.failed_examples(module)
    assert not failed, "\n".join(failed)


# rules of the tests themselves ---------------------------------------------------------------------------------------

TOLERANCES = {"atol", "rtol", "rel", "abs", "decimal", "places", "tol"}


def literal_tolerances(text: str) -> list[str]:
    """Where a test types its own tolerance, or asks to be run again."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.keyword) and node.arg in TOLERANCES and _is_number(node.value):
            found.append(f"line {node.value.lineno}: {node.arg}={ast.unparse(node.value)}")
        if isinstance(node, ast.Compare):
            small = [n for n in [node.left, *node.comparators] if _is_number(n) and 0 < abs(ast.literal_eval(n)) < 1e-4]
            found += [f"line {n.lineno}: compared with {ast.unparse(n)}" for n in small]
        if isinstance(node, ast.Attribute | ast.Name):
            name = node.attr if isinstance(node, ast.Attribute) else node.id
            if name in ("flaky", "reruns", "rerun", "approx"):
                found.append(f"line {node.lineno}: {name}")
    return found


def _is_number(node: ast.expr) -> bool:
    try:
        return isinstance(ast.literal_eval(node), int | float)
    except (ValueError, TypeError):
        return False


@pytest.mark.parametrize("path", sorted(TESTS.rglob("*.py")), ids=lambda p: p.relative_to(TESTS).as_posix())
def test_no_literal_tolerances(path: Path) -> None:
    if path != Path(__file__).resolve():
        assert literal_tolerances(path.read_text(encoding="utf-8")) == []


def test_literal_tolerances_are_found() -> None:
    for bad in (
        "assert_allclose(a, b, atol=1e-3)",
        "np.allclose(a, b, rtol=2)",
        "assert a == pytest.approx(b)",
        "assert abs(a - b) < 1e-9",
        "@pytest.mark.flaky(reruns=3)\ndef test(): ...",
        "f(a, b, decimal=-3)",
    ):
        assert literal_tolerances(bad), bad
    assert literal_tolerances("assert_close(a, b, op='root')\nassert p < 0.05") == []


# light to import -----------------------------------------------------------------------------------------------------

IMPORT = """
import json, resource, sys
before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
import renorm
used = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before
print(json.dumps([used, [m for m in ("torch", "sklearn", "pandas", "matplotlib") if m in sys.modules]]))
"""


def test_import_is_light() -> None:
    seconds = []
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True)
        used, heavy = json.loads(done.stdout)
        assert heavy == []
        seconds.append(used)
    assert statistics.median(seconds) < 0.1


def test_three_hundred_cards_are_listed_at_once(tmp_path: Path) -> None:
    card = next(iter(sorted(catalog(), key=lambda c: c.key)))
    text = Path(card.source).read_text(encoding="utf-8")
    folder = tmp_path / card.kind
    folder.mkdir()
    for i in range(300):
        plain = re.sub(r"\n    aliases=.*", "", text).replace(f'name="{card.name}"', f'name="{card.name}_{i}"')
        plain = plain.replace(f"class {card.class_name}(", f"class {card.class_name}{i}(")
        (folder / f"{card.name}_{i}.py").write_text(plain, encoding="utf-8")
    seconds = []
    for _ in range(7):
        start = time.process_time()
        listed = Catalog([("generated", tmp_path)]).select()
        seconds.append(time.process_time() - start)
        assert len(listed) == 300
    assert min(seconds) < 0.1  # other work on the machine only adds
