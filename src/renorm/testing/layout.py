"""How a method's two files must look: what can be said without running the method."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

from renorm.core.card import Card
from renorm.core.catalog import catalog
from renorm.testing import battery, docstrings, evidence

MARK = "<replace"  # what `renorm.testing.scaffold` leaves where the author has to write
MAX_LINES = 150


def code_lines(text: str) -> int:
    """Count the lines that are neither blank, nor comment, nor docstring, nor card."""
    left_out: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        is_card = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CARD"
        if isinstance(node, ast.stmt) and (is_text or is_card):
            left_out.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    rows = enumerate(text.splitlines(), 1)
    return sum(1 for n, row in rows if n not in left_out and row.strip() and not row.lstrip().startswith("#"))


def _marks(text: str) -> list[str]:
    left = [str(n) for n, row in enumerate(text.splitlines(), 1) if MARK in row]
    return [f"still the template's: line {', '.join(left)}"] if left else []


def method_faults(card: Card) -> list[str]:
    """What is wrong with the layout of a method's source file."""
    text = Path(card.source).read_text(encoding="utf-8")
    tree = ast.parse(text)
    faults = _marks(text)
    if Path(card.source).stem != card.name:
        faults.append(f"the file {Path(card.source).name} holds the card of {card.name}")
    doc = ast.get_docstring(tree)
    if not doc or "\n" in doc:
        faults.append("the module's docstring is not one line")
    public = [n for n in tree.body if isinstance(n, ast.ClassDef) and not n.name.startswith("_")]
    if [n.name for n in public] != [card.class_name]:
        faults.append(f"one public class is expected, there are {[n.name for n in public]}")
    elif not re.fullmatch(r"[A-Z][A-Za-z0-9]*", card.class_name):
        faults.append(f"{card.class_name} is not a CapWords name")
    if (count := code_lines(text)) > MAX_LINES:
        faults.append(f"{count} lines of code, at most {MAX_LINES} are read in one sitting")
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            faults.append(f"line {node.lineno}: assert, where users need an error")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "hasattr":
            faults.append(f"line {node.lineno}: hasattr")
        if isinstance(node, ast.FunctionDef) and node.args.kwarg is not None:
            faults.append(f"line {node.lineno}: **{node.args.kwarg.arg} swallows misspelt options")
        if isinstance(node, ast.FunctionDef) and node.name == "__init__" and node.args.defaults:
            faults.append(f"line {node.lineno}: options are keyword-only")
    return faults


def docstring_faults(card: Card) -> list[str]:
    """What is wrong with the docstring of a method's class; imports the method."""
    cls = catalog().load(card.key)
    needed = ["Parameters", "Examples"] if inspect.signature(cls).parameters else ["Examples"]
    found = docstrings.sections(cls.__doc__)
    return docstrings.wrong_defaults(cls, cls.__doc__) + [f"no section {s}" for s in needed if not found.get(s)]


def card_faults(card: Card) -> list[str]:
    """Laws of the kind's battery about which the card says nothing, and laws that no check decides."""
    known = battery.laws_of(card.kind)
    named = {*card.laws, *card.not_laws, *card.unclaimed}
    return [f"the card says nothing about the law {law}" for law in sorted(known - named)] + [
        f"no check decides the law {law}" for law in sorted(named - known)
    ]


def evidence_faults(card: Card) -> list[str]:
    """What is wrong with a method's evidence file."""
    module = evidence.load(card.key)
    text = evidence.path_of(card.key).read_text(encoding="utf-8")
    faults = _marks(text)
    if getattr(module, "METHOD", None) != card.key:
        faults.append(f"METHOD is {getattr(module, 'METHOD', None)!r}, not {card.key!r}")
    ids = [case.id for case in module.cases()] if hasattr(module, "cases") else []
    if not ids or len(set(ids)) < len(ids):
        faults.append(f"cases() must give cases with different ids, gives {ids}")
    if not hasattr(module, "oracle"):
        faults.append("no oracle(case)")
    elif ids and not all(module.oracle(case) for case in module.cases()):
        faults.append("the oracle says nothing of some case")
    tests = {name: value for name, value in vars(module).items() if name.startswith("test_")}
    if not tests:
        faults.append("no test_ function")
    faults += [
        f"{n} takes arguments: evidence runs without fixtures" for n, t in tests.items() if inspect.signature(t).parameters
    ]
    for name in re.findall(r"^ *(?:from|import) renorm\.(\w+)", text, re.MULTILINE):
        if name not in ("testing", "core"):
            faults.append(f"imports renorm.{name}: ask renorm.get(METHOD) inside the functions")
    if re.search(r"\b(skip|importorskip|xfail)\(", text):
        faults.append("skips itself: skips stand in tests/skips.toml")
    return faults


def faults(card: Card) -> list[str]:
    """Everything that is wrong with the look of a method."""
    source, path = Path(card.source).name, evidence.path_of(card.key).name
    return (
        [f"{source}: {f}" for f in method_faults(card) + docstring_faults(card)]
        + [f"card: {f}" for f in card_faults(card)]
        + [f"{path}: {f}" for f in evidence_faults(card)]
    )
