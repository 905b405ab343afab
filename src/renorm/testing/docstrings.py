"""What docstrings promise: that defaults are the code's, that parameters are all there, that examples run."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

_HEADING = re.compile(r"^(\w[\w ]*)\n-{3,}\s*$", re.MULTILINE)
_ENTRY = re.compile(r"^(?P<names>\*{0,2}\w+(?:, *\*{0,2}\w+)*)(?: : (?P<type>.*))?$")
_DEFAULT = re.compile(r"default=(?P<value>.+)$")

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def sections(docstring: str | None) -> dict[str, str]:
    """Return the sections of a numpydoc docstring by heading."""
    text = inspect.cleandoc(docstring or "")
    found = list(_HEADING.finditer(text))
    ends = [m.start() for m in found[1:]] + [len(text)]
    return {m.group(1): text[m.end() : end].strip("\n") for m, end in zip(found, ends, strict=False)}


def parameters(docstring: str | None) -> dict[str, str]:
    """Return the documented parameters with their type lines."""
    out: dict[str, str] = {}
    for line in sections(docstring).get("Parameters", "").splitlines():
        entry = _ENTRY.match(line)
        if entry and not line.startswith(" "):
            for name in entry["names"].split(","):
                out[name.strip().lstrip("*")] = entry["type"] or ""
    return out


def _same(text: str, value: Any) -> bool:
    text = text.strip().strip("`").rstrip(".")
    try:
        return bool(ast.literal_eval(text) == value)
    except (ValueError, SyntaxError):
        return text in (repr(value), str(value), getattr(value, "__name__", ""))


def wrong_defaults(target: Callable[..., Any], docstring: str | None) -> list[str]:
    """Where the documented parameters and defaults differ from the signature's."""
    signature = inspect.signature(target)
    documented = parameters(docstring)
    real = {name: p for name, p in signature.parameters.items() if name not in ("self", "cls")}
    wrong = [f"{name}: documented, but no argument" for name in documented if name not in real]
    for name, parameter in real.items():
        if name not in documented:
            wrong.append(f"{name}: an argument, but not documented")
            continue
        line = documented[name]
        stated = _DEFAULT.search(line)
        if parameter.default is inspect.Parameter.empty:
            if stated:
                wrong.append(f"{name}: documented {stated['value']!r}, but the code has no default")
        elif stated is None:
            if not (parameter.default in (None, "") and "optional" in line):
                wrong.append(f"{name}: the code's default is {parameter.default!r}, the docstring names none")
        elif not _same(stated["value"], parameter.default):
            wrong.append(f"{name}: documented {stated['value']!r}, the code has {parameter.default!r}")
    return wrong


def failed_examples(module: ModuleType | str) -> tuple[int, list[str]]:
    """Run a module's examples; how many there were, and a report of each that failed."""
    if isinstance(module, str):
        module = importlib.import_module(module)
    reports: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    count = 0
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, module.__name__):
        if not test.examples:
            continue
        count += len(test.examples)
        runner.run(test, out=reports.append, clear_globs=True)
    return count, reports
