"""Receipts: what was checked about a method, with which result, and whether it still stands.

A receipt is made in a checkout (`make`), shipped in the wheel as JSON, and keyed by the hash of the method's
source, its evidence, its kind's base and the core. From a shell::

    python -m renorm.testing.receipts table.standard     # make and write one
    python -m renorm.testing.receipts --changed          # those whose key no longer fits
    python -m renorm.testing.receipts --check --sample 10  # run the changed ones and ten others, write nothing
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import importlib
import importlib.metadata
import json
import platform
import secrets
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from renorm.core.card import Card
from renorm.core.catalog import catalog
from renorm.core.errors import FileError, RenormError
from renorm.testing import battery, evidence, mutate, skips, tolerance
from renorm.testing.fork import Send, run_forked

_PACKAGE = Path(__file__).resolve().parent.parent
FOLDER = _PACKAGE / "_receipts"
_PACKAGES = ("numpy", "scipy", "scikit-learn")
_LIMIT = 900.0  # seconds for the tests and checks of one method


def _hash(paths: Iterable[Path], base: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        body = path.read_bytes()
        digest.update(f"{path.relative_to(base).as_posix()} {len(body)}\n".encode() + body)
    return digest.hexdigest()


def parts(card: Card) -> dict[str, str]:
    """Return the hash of every part the receipt depends on; the evidence is missing outside a checkout."""
    source = Path(card.source)
    base = sorted(p for p in source.parent.glob("_*.py") if p.name != "__init__.py")
    out = {
        "method": _hash([source], source.parent),
        "base": _hash(base, source.parent),
        "core": _hash((_PACKAGE / "core").rglob("*.py"), _PACKAGE),
    }
    text = source.read_text(encoding="utf-8") + "".join(p.read_text(encoding="utf-8") for p in base)
    if "renorm.tensor" in text or "torch" in card.requires:
        out["tensor"] = _hash((_PACKAGE / "tensor").rglob("*.py"), _PACKAGE)
    if evidence.root() is not None:
        path = evidence.path_of(card.key)
        if path.exists():
            out["evidence"] = _hash([path], path.parent)
    return out


def _key(found: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Status:
    """Whether a receipt still stands.

    ``state`` is ``"current"``, ``"stale"`` or ``"missing"``; ``changed`` names the parts that differ and
    ``unseen`` those that this installation does not have, so that they could not be compared.
    """

    state: str
    changed: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = self.state
        if self.changed:
            text += f" (changed: {', '.join(self.changed)})"
        if self.unseen:
            text += f" (not compared, as not installed: {', '.join(self.unseen)})"
        return text


def path_of(name: str) -> Path:
    """Where the receipt of a method is, or would be."""
    return FOLDER / f"{catalog().find(name).key}.json"


def load(name: str) -> dict[str, Any]:
    """Read the shipped receipt of a method.

    Raises
    ------
    FileError
        Where there is none.
    """
    path = path_of(name)
    if not path.exists():
        hint = f"python -m renorm.testing.receipts {name}, in a checkout"
        raise FileError(f"receipt of {catalog().find(name).key}", expected="a file", got="none", hint=hint)
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


def status(name: str) -> Status:
    """Say whether the shipped receipt still fits the installed files."""
    card = catalog().find(name)
    if not path_of(card.key).exists():
        return Status("missing")
    then, now = load(card.key)["parts"], parts(card)
    checkout = evidence.root() is not None
    unseen = tuple(sorted(set(then) - set(now))) if not checkout else ()
    changed = tuple(sorted(p for p in {*then, *now} if then.get(p) != now.get(p) and p not in unseen))
    return Status("stale" if changed else "current", changed, unseen)


# making --------------------------------------------------------------------------------------------------------------


def oracle_gaps(subject: battery.Subject) -> dict[str, float]:
    """Return, case by case, the largest gap between the method's outputs and the oracle's."""
    outputs = importlib.import_module(f"renorm.testing.checks_{subject.card.kind}").outputs
    found: dict[str, float] = {}
    for case in subject.cases():
        got, want = outputs(subject.cls, case), subject.evidence.oracle(case)
        strangers = set(want) - set(got)
        if strangers:
            raise AssertionError(f"case {case.id}: the oracle names outputs that there are not: {sorted(strangers)}")
        found[case.id] = max((_gap(got[name], value) for name, value in want.items()), default=0.0)
    return found


def _gap(got: Any, want: Any) -> float:
    if np.asarray(want).dtype.kind in "fciub":
        return tolerance.gap(got, want)
    return 0.0 if np.array_equal(np.asarray(got), np.asarray(want)) else float("inf")


def _examine(subject: battery.Subject, send: Send) -> None:
    """Run evidence, checks and the comparison with the oracle; send what happened to each."""
    allowed = skips.read()
    tests = {name: value for name, value in mutate.tests_of(subject).items() if not name.startswith("check ")}
    steps: list[tuple[str, str, Any]] = [("tests", name, run) for name, run in tests.items()]
    for check in battery.required(subject.card):
        skip = skips.find(subject.card.key, check.name, allowed)
        if skip is not None and not skip.expired():
            send(("skipped", check.name, skip.reason))
        else:
            steps.append(("checks", check.name, partial(battery.run, check, subject)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", RuntimeWarning)
        for group, name, step in steps:
            start = time.perf_counter()
            try:
                step()
            except BaseException as error:  # pytest's outcomes are BaseExceptions
                send(("failed", name, f"{type(error).__name__}: {error}"))
            else:
                send((group, name, time.perf_counter() - start))
        try:
            send(("gaps", "", oracle_gaps(subject)))
        except Exception as error:
            send(("failed", "oracle", f"{type(error).__name__}: {error}"))


def _versions(card: Card) -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in dict.fromkeys((*_PACKAGES, *card.requires)):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    found["renorm"] = sys.modules["renorm"].__version__
    return found


def _silent(step: str, text: str, passed: bool) -> None: ...


def examine(name: str, *, tell: Callable[[str, str, bool], None] = _silent) -> tuple[dict[str, Any], list[str]]:
    """Run everything a receipt records about a method; the record, and what failed.

    ``tell(step, text, passed)`` hears of each step as it ends.
    """
    card = catalog().find(name)
    subject = mutate.prepare(card)
    (ending,) = run_forked([partial(_examine, subject)], limit=_LIMIT)
    failures = [f"{what}: {error}" for kind, what, error in ending.sent if kind == "failed"]
    if ending.how != "done":
        failures.append(f"the checks ended by {ending.how} after {ending.seconds:.0f} s")
    seconds = {
        group: {what: round(value, 1) for kind, what, value in ending.sent if kind == group} for group in ("tests", "checks")
    }
    gaps: dict[str, float] = next((value for kind, _, value in ending.sent if kind == "gaps"), {})
    failures += [f"oracle: case {case} differs in shape or in the places of NaN" for case, g in gaps.items() if g == np.inf]
    done = sum(len(group) for group in seconds.values())
    tell("evidence", f"{done} tests and checks passed, {len(failures)} failed, {ending.seconds:.1f} s", not failures)
    mutants: dict[str, Any] = {}
    if not failures:
        outcome = mutate.gate(card.key)
        mutants = outcome.to_dict()
        tell("mutation", mutate.lines_of(outcome)[0].partition(": ")[2], outcome.passed)
        if not outcome.passed:
            failures += mutate.lines_of(outcome)
    found = parts(card)
    record = {
        "name": card.key,
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "key": _key(found),
        "parts": found,
        "paper": card.paper,
        "fidelity": card.fidelity,
        "vectors": sorted(getattr(subject.evidence, "VECTORS", ())),
        "oracle_gap": float(f"{max(gaps.values(), default=0.0):.2g}"),
        "oracle_cases": len(gaps),
        "laws": sorted(card.laws),
        "not_laws": sorted(card.not_laws),
        "unclaimed": sorted(card.unclaimed),
        "tests": seconds["tests"],
        "checks": seconds["checks"],
        "skipped": {what: reason for kind, what, reason in ending.sent if kind == "skipped"},
        "mutants": {k: v for k, v in mutants.items() if k not in ("name", "problems", "passed")},
        "versions": _versions(card),
    }
    return record, failures


def make(name: str) -> dict[str, Any]:
    """Run a method's evidence, its battery and the mutation gate; return the receipt.

    Raises
    ------
    RenormError
        Where anything fails: there is no receipt for a method that does not pass.
    """
    record, failures = examine(name)
    if failures:
        raise RenormError(
            f"receipt of {record['name']}", expected="a method that passes everything", got="\n".join(failures)
        )
    return record


def _lasting(record: dict[str, Any]) -> dict[str, Any]:
    """Return the receipt without what changes from run to run."""
    timed = {k: sorted(v) if k in ("tests", "checks") else v for k, v in record.items() if k != "date"}
    timed["mutants"] = {k: v for k, v in record["mutants"].items() if k != "seconds"}
    return timed


def write(record: dict[str, Any]) -> Path:
    """Write a receipt where the package looks for it; one that says nothing new leaves the old file."""
    path = FOLDER / f"{record['name']}.json"
    if path.exists() and _lasting(json.loads(path.read_text(encoding="utf-8"))) == _lasting(record):
        return path
    FOLDER.mkdir(exist_ok=True)
    path.write_text(json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def main(argv: list[str] | None = None) -> int:
    """Make or check receipts from a shell; 1 where anything fails."""
    parser = argparse.ArgumentParser(prog="python -m renorm.testing.receipts", description="Make or check receipts.")
    parser.add_argument("names", nargs="*", help="methods, such as table.standard")
    parser.add_argument("--all", action="store_true", help="every method of the catalog")
    parser.add_argument("--changed", action="store_true", help="those without a current receipt (the default)")
    parser.add_argument("--check", action="store_true", help="run without writing: the changed ones, and --sample others")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="with --check: N current ones at random")
    options = parser.parse_args(argv)
    say = sys.stdout.write
    states = {card.key: status(card.key) for card in catalog()}
    names = [catalog().find(name).key for name in options.names]
    if options.all:
        names += states
    if options.changed or options.check or not names:
        names += [key for key, found in states.items() if found.state != "current"]
    if options.check:
        rest = [key for key in states if key not in names]
        names += sorted(secrets.SystemRandom().sample(rest, min(options.sample, len(rest))))
    names = list(dict.fromkeys(names))
    failed = 0
    start = time.monotonic()
    for name in names:
        begun = time.monotonic()
        before = states[name]
        try:
            record, failures = examine(name)
        except RenormError as error:
            record, failures = {}, [str(error)]
        if options.check and before.state == "missing":
            failures.append("no receipt is shipped: python -m renorm.testing.receipts " + name)
        failed += bool(failures)
        took = time.monotonic() - begun
        if failures:
            say(f"FAIL {name} ({before}), {took:.1f} s\n" + "".join(f"  {line}\n" for line in failures))
        else:
            killed, survived = (record["mutants"][k] for k in ("killed", "survived"))
            say(
                f"pass {name} ({before}), {took:.1f} s: {len(record['tests'])} tests, {len(record['checks'])} checks, "
                f"{killed} of {killed + survived} mutants killed, oracle gap {record['oracle_gap']:g}\n"
            )
            if not options.check:
                write(record)
        sys.stdout.flush()
    say(f"{len(names)} receipts, {failed} failed, {time.monotonic() - start:.0f} s\n")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
