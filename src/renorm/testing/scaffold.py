"""A method's two files from a template, and everything that is checked about them.

::

    python -m renorm.testing.scaffold new table mean_center
    python -m renorm.testing.scaffold check mean_center

The template is a small method that works. Every line that the author has to write anew carries a mark, and the
check fails while one of them is left.
"""

from __future__ import annotations

import argparse
import keyword
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from renorm.core.card import KINDS
from renorm.core.catalog import catalog
from renorm.core.errors import FileError, OptionError, RenormError, UnknownNameError, did_you_mean
from renorm.testing import battery, docstrings, evidence, layout, ledger, receipts

TEMPLATES = Path(__file__).resolve().parent / "_templates"


def kinds() -> list[str]:
    """Return the kinds that have a template."""
    return sorted(path.name for path in TEMPLATES.iterdir() if path.is_dir())


def _checkout() -> Path:
    base = evidence.root()
    if base is None:
        raise FileError("scaffold", expected="a checkout of the project", got="an installed package alone")
    return base


def _lawful(text: str, kind: str) -> str:
    """Keep the template's laws that the battery decides, and leave those it does not name unclaimed."""
    known = battery.laws_of(kind)
    named: set[str] = set()

    def keep(found: re.Match[str]) -> str:
        laws = [law for law in re.findall(r'"(\w+)"', found[2]) if law in known]
        named.update(laws)
        return _field(found[1], laws)

    text = re.sub(r"    (laws|not_laws)=\(([^)]*)\),\n", keep, text)
    return text.replace("    unclaimed=(),\n", _field("unclaimed", sorted(known - named)))


def _field(name: str, laws: list[str]) -> str:
    if not laws:
        return f"    {name}=(),\n" if name == "laws" else ""
    quoted = ", ".join(f'"{law}"' for law in laws) + ("," if len(laws) == 1 else "")
    line = f"    {name}=({quoted}),\n"
    if len(line) <= 125:
        return line
    return f"    {name}=(\n" + "".join(f'        "{law}",\n' for law in laws) + "    ),\n"


def new(kind: str, name: str) -> tuple[Path, Path]:
    """Write the source and the evidence of a new method.

    Parameters
    ----------
    kind : str
        A kind with a template: table, nn or text.
    name : str
        snake_case, noun last.

    Returns
    -------
    (Path, Path)
        The two files.

    Raises
    ------
    UnknownNameError
        For a kind that does not exist.
    OptionError
        For a kind without template, a bad name, or one that is taken.
    """
    who = f"scaffold new {kind} {name}"
    if kind not in KINDS:
        raise UnknownNameError(who, expected="a kind", got=repr(kind), hint=did_you_mean(kind, kinds()))
    if kind not in kinds():
        raise OptionError(who, expected=f"a kind with a template: {', '.join(kinds())}", got=repr(kind))
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name):
        raise OptionError(who, expected="a snake_case name, noun last", got=repr(name), hint="mean_center")
    class_name = "".join(part.capitalize() for part in name.split("_"))
    for card in catalog():
        if card.kind == kind and (name in (card.name, *card.aliases) or class_name in (card.class_name, *card.aliases)):
            raise OptionError(who, expected="a name that is free", got=f"{card.key}, in {card.source}")
    base = _checkout()
    paths = (base / "src" / "renorm" / kind / f"{name}.py", base / "tests" / "methods" / kind / f"test_{name}.py")
    for path in paths:
        if path.exists():
            raise OptionError(who, expected="files that are not there yet", got=str(path))
    words = {"NAME": name, "CLASS": class_name, "TITLE": name.replace("_", " ").capitalize()}
    for path, template in zip(paths, ("method.py.txt", "evidence.py.txt"), strict=True):
        text = (TEMPLATES / kind / template).read_text(encoding="utf-8")
        for key, word in words.items():
            text = text.replace("{{" + key + "}}", word)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_lawful(text, kind), encoding="utf-8")
    catalog.cache_clear()
    return paths


def _run(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=_checkout())  # noqa: S603


def _finish(process: subprocess.Popen[str]) -> str:
    """What a process said, where it failed."""
    said, _ = process.communicate()
    return said.strip() if process.returncode else ""


def check(name: str) -> bool:
    """Run everything about one method, print a line for each step, and write its receipt where all of it passes.

    Raises
    ------
    RenormError
        For a name that the catalog does not have, or a package that is missing.
    """
    start = time.monotonic()
    card = catalog().find(name)
    missing = ledger.absent(card)
    if missing:
        raise OptionError(f"scaffold check {name}", expected=f"the packages {missing}", hint="pip install them first")
    failed = 0

    def tell(step: str, text: str, passed: bool) -> None:
        nonlocal failed
        failed += not passed
        sys.stdout.write(f"{'pass' if passed else 'FAIL'}  {step:<9} {text}\n")
        sys.stdout.flush()

    files = [card.source, str(evidence.path_of(card.key))]
    types = _run("mypy", card.source)  # it takes longest, and runs beside the others
    lint = [_finish(_run("ruff", "check", "--quiet", *files)), _finish(_run("ruff", "format", "--quiet", "--diff", *files))]
    tell("lint", "\n".join(x for x in lint if x) or "ruff has nothing to say", not any(lint))
    try:
        wrong = layout.faults(card)
        tell("layout", "\n                ".join(wrong) or "files, card and docstring are as they must be", not wrong)
        count, reports = docstrings.failed_examples(card.module)
        tell("examples", "\n".join(reports) or f"{count} ran and printed what they say", not reports and count > 0)
        record, failures = receipts.examine(card.key, tell=tell)
    except RenormError as error:
        record, failures = {}, [str(error)]
        tell("error", str(error), False)
    for line in failures:
        sys.stdout.write(textwrap.indent(textwrap.shorten(line, 1200) if line.count("\n") > 20 else line, " " * 6) + "\n")
    said = _finish(types)
    tell("types", said or "mypy has nothing to say", not said)
    if not failed:
        tell("receipt", str(receipts.write(record).name), True)
    seconds = time.monotonic() - start
    sys.stdout.write(f"{'pass' if not failed else 'FAIL'}  {card.key}, {seconds:.1f} s\n")
    return not failed


def main(argv: list[str] | None = None) -> int:
    """Make or check a method from a shell; 1 where a check fails, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m renorm.testing.scaffold", description="A method's two files.")
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("new", help="write the source and the evidence of a new method")
    make.add_argument("kind", help="the kind: " + ", ".join(kinds()))
    make.add_argument("name", help="the name: snake_case, noun last")
    commands.add_parser("check", help="run everything about one method").add_argument("name", help="a name of the catalog")
    options = parser.parse_args(argv)
    try:
        if options.command == "check":
            return 0 if check(options.name) else 1
        source, proof = new(options.kind, options.name)
    except RenormError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(
        f"{source}\n{proof}\nWrite your method over the lines marked {layout.MARK}...>, the oracle first; "
        f"then: make check NAME={options.kind}.{options.name}\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
