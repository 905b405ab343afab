"""The mutation gate: does the evidence notice when the method is made slightly wrong?

Every mutant of a method file runs in a forked child, in place of the real module. First it is probed: one that
raises on a case of the evidence, or turns a finite output non-finite, or changes the outputs' names or shapes is
*loud*, and not counted, as any use would notice it. The others run the evidence's tests and the quick checks of
the kind's battery; one that passes all of them has *survived*. A survivor that is equivalent (no input tells it
apart) is listed in the evidence file with its reason::

    EQUIVALENT = {"<source line> -> <mutated statement>": "reason"}

The gate asks for 95 % killed of killed + survived. From a shell::

    python -m renorm.testing.mutate table.standard nn.rms_norm
    python -m renorm.testing.mutate --kind text --json
    python -m renorm.testing.mutate table.standard --module renorm.core.affine
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import json
import os
import sys
import time
import types
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from renorm.core.card import Card
from renorm.core.catalog import catalog
from renorm.core.errors import RenormError
from renorm.testing import battery, evidence, operators
from renorm.testing.fork import Ending, Send, run_forked

THRESHOLD = 0.95
JOBS = 2
_TIME = "time limit"
_STRING_KINDS = ("text", "entity")

Signature = dict[str, dict[str, tuple[tuple[int, ...], Any]]]


@dataclass
class Verdict:
    """What became of one mutant: ``loud``, ``killed``, ``survived``, ``equivalent`` or ``invalid``; by which test."""

    line: int
    operator: str
    key: str
    before: str
    after: str
    status: str
    by: str = ""


@dataclass
class Outcome:
    """The gate's result for one method."""

    name: str
    lines: int
    verdicts: list[Verdict] = field(default_factory=list)
    bare: list[tuple[int, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def count(self, status: str) -> int:
        """How many mutants ended so."""
        return sum(v.status == status for v in self.verdicts)

    @property
    def by_time_limit(self) -> int:
        """How many of the killed ran out of time: endless loops, or a machine too busy to tell."""
        return sum(v.status == "killed" and v.by == _TIME for v in self.verdicts)

    @property
    def share(self) -> float:
        """Killed among those that were neither loud nor listed as equivalent; 1 where there are none."""
        killed, survived = self.count("killed"), self.count("survived")
        return killed / (killed + survived) if killed + survived else 1.0

    @property
    def passed(self) -> bool:
        """Whether the share reaches the threshold and nothing else is wrong."""
        return self.share >= THRESHOLD and not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Counts and survivors, as JSON takes them."""
        return {
            "name": self.name,
            "lines": self.lines,
            "mutants": len(self.verdicts) - self.count("invalid"),
            **{status: self.count(status) for status in ("loud", "killed", "survived", "equivalent")},
            "by_time_limit": self.by_time_limit,
            "share": round(self.share, 4),
            "passed": self.passed,
            "survivors": [asdict(v) for v in self.verdicts if v.status == "survived"],
            "equivalents": {k: self.reasons[k] for k in sorted(self.reasons)},
            "lines_without": [f"{line}: {text}" for line, text in self.bare],
            "problems": self.problems,
            "seconds": round(self.seconds, 1),
        }


# in the child --------------------------------------------------------------------------------------------------------


def install(card: Card, tree: ast.Module | str) -> ModuleType:
    """Put another version of a method's module in its place: everyone who asks the catalog now gets its class."""
    return _replace(card.module, card.source, tree, card.class_name)


def _install_shared(card: Card, name: str, tree: ast.Module) -> None:
    """Put another version of a module that the method uses in its place, and load the method anew upon it."""
    real = importlib.import_module(name)
    new = _replace(name, str(real.__file__), tree)
    for module in [m for n, m in sys.modules.items() if n.startswith("renorm.")]:
        for key, value in list(vars(module).items()):
            if value is real:
                setattr(module, key, new)
            elif getattr(value, "__module__", None) == name and vars(real).get(key) is value:
                setattr(module, key, getattr(new, key, value))
    install(card, Path(card.source).read_text(encoding="utf-8"))


def _replace(name: str, path: str, tree: ast.Module | str, *exports: str) -> ModuleType:
    real = sys.modules.get(name) or importlib.import_module(name)
    if isinstance(tree, ast.Module):
        ast.fix_missing_locations(tree)
    code = compile(tree, path, "exec", dont_inherit=True)
    module = types.ModuleType(name)
    for attribute in ("__file__", "__package__", "__spec__", "__loader__"):
        if attribute in vars(real):
            setattr(module, attribute, getattr(real, attribute))
    sys.modules[name] = module
    exec(code, vars(module))  # noqa: S102  (the method's own source, slightly changed)
    package, _, stem = name.rpartition(".")
    parent = sys.modules.get(package)
    for key, value in ((stem, module), *((export, vars(module).get(export)) for export in exports)):
        if parent is not None and key in vars(parent):
            setattr(parent, key, value)
    return module


def _mask(value: np.ndarray) -> Any:
    """Where an output is finite; None where that is not a question (text, integers)."""
    array = np.asarray(value)
    return np.isfinite(array) if array.dtype.kind in "fc" else None


def _signature(kind: str, cls: Any, cases: list[evidence.Case]) -> Signature:
    outputs = importlib.import_module(f"renorm.testing.checks_{kind}").outputs
    by_length = kind in _STRING_KINDS  # the length of a text is its value, not its shape
    return {
        case.id: {
            name: ((np.ndim(value),) if by_length else np.shape(value), None if by_length else _mask(value))
            for name, value in outputs(cls, case).items()
        }
        for case in cases
    }


def _differs(got: Signature, want: Signature) -> bool:
    for case, outputs in want.items():
        if got[case].keys() != outputs.keys():
            return True
        for name, (shape, finite) in outputs.items():
            shape_now, finite_now = got[case][name]
            if shape_now != shape or (finite is None) != (finite_now is None):
                return True
            if finite is not None and bool(np.any(finite & ~finite_now)):
                return True
    return False


def tests_of(subject: battery.Subject) -> dict[str, Callable[[], None]]:
    """Return what runs against each mutant: the evidence's test functions, then the quick checks of the battery."""
    found: dict[str, Callable[[], None]] = {
        name: value for name, value in vars(subject.evidence).items() if name.startswith("test_") and callable(value)
    }
    for check in battery.required(subject.card):
        if check.quick:
            found[f"check {check.name}"] = partial(battery.run, check, subject)
    return found


def _failure(test: Callable[[], None]) -> str:
    """Run a test with numerical warnings as errors, as the suite does; what went wrong, or ``""``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", RuntimeWarning)
        try:
            test()
        except BaseException as error:  # pytest's outcomes are BaseExceptions
            return f"{type(error).__name__}: {error}".split("\n")[0][:300] or "failed"
    return ""


def _limit_memory(extra: int = 6 << 30) -> None:
    import resource

    with Path("/proc/self/statm").open() as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + extra, now + extra))


def _baseline(subject: battery.Subject, put: Callable[[], object], send: Send) -> None:
    """Run the method itself through the same machinery: signature, and every test with its time."""
    known = set(sys.modules)
    put()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            send(("signature", _signature(subject.card.kind, subject.cls, subject.cases())))
        except Exception as error:
            send(("broken", f"outputs of a case: {type(error).__name__}: {error}"))
            return
    for name, test in tests_of(subject).items():
        start = time.perf_counter()
        failed = _failure(test)
        send(("broken", f"{name}: {failed}") if failed else ("time", name, time.perf_counter() - start))
    send(("modules", [name for name in sys.modules if name not in known]))


def _try(
    mutant: operators.Mutant,
    subject: battery.Subject,
    put: Callable[[], object],
    want: Signature,
    order: list[str],
    send: Send,
) -> None:
    if Path("/proc/self/statm").exists():
        _limit_memory()
    mutant.apply()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            put()
        except SyntaxError:
            send(("invalid", ""))
            return
        except BaseException:
            send(("loud", ""))
            return
        try:
            loud = _differs(_signature(subject.card.kind, subject.cls, subject.cases()), want)
        except BaseException:
            loud = True
    if loud:
        send(("loud", ""))
        return
    send(("probed", ""))
    tests = tests_of(subject)
    for name in order:
        if _failure(tests[name]):
            send(("killed", name))
            return
    send(("survived", ""))


# in the parent -------------------------------------------------------------------------------------------------------


def _verdict(ending: Ending) -> tuple[str, str]:
    last = ending.sent[-1] if ending.sent else ("", "")
    if ending.how == "timeout":
        return "killed", _TIME
    if last[0] == "probed":
        return "killed", "crash"
    return last if last[0] else ("loud", "crash")


def prepare(card: Card) -> battery.Subject:
    """Import everything a child will need, and run nothing: threads and autograd engines do not survive a fork."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    catalog().load(card.key)
    subject = battery.subject(card.key)
    battery.required(card)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    if "hypothesis" in sys.modules:
        settings = sys.modules["hypothesis"].settings
        settings.register_profile("renorm-gate", derandomize=True, deadline=None, database=None, max_examples=30)
        settings.load_profile("renorm-gate")
    return subject


def _import_too(names: list[str]) -> None:
    """Import what the first child imported on its way, so that the others need not, each anew."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            with contextlib.suppress(Exception):
                importlib.import_module(name)


def gate(name: str, *, jobs: int = JOBS, module: str = "") -> Outcome:
    """Run the mutation gate on one method.

    Parameters
    ----------
    name : str
        A name of the catalog.
    jobs : int, default=2
        Children at a time.
    module : str, default=""
        Change this module, which the method uses, in place of the method's own: ``"renorm.core.affine"``.

    Raises
    ------
    RenormError
        Where the method itself does not pass its evidence.
    """
    start = time.monotonic()
    card = catalog().find(name)
    subject = prepare(card)
    path = importlib.import_module(module).__file__ if module else card.source
    source = operators.read(Path(str(path)).read_text(encoding="utf-8"), strings=card.kind in _STRING_KINDS)
    put = partial(_install_shared, card, module, source.tree) if module else partial(install, card, source.tree)
    (base,) = run_forked([partial(_baseline, subject, put)], limit=600.0)
    broken = [m[1] for m in base.sent if m[0] == "broken"]
    if base.how != "done":
        broken.append(f"the run ended by {base.how} after {base.seconds:.0f} s")
    if broken:
        raise RenormError(f"mutate {card.key}", expected="a method that passes its evidence", got="; ".join(broken))
    want = next(m[1] for m in base.sent if m[0] == "signature")
    times = {m[1]: m[2] for m in base.sent if m[0] == "time"}
    _import_too(next((m[1] for m in base.sent if m[0] == "modules"), []))
    outcome = Outcome(f"{module} by {card.key}" if module else card.key, source.lines, bare=source.bare)
    if not any(t.startswith("test_") for t in times):
        outcome.problems.append("the evidence has no test_ function")
    limit = 3.0 + 6.0 * base.seconds
    kills: Counter[str] = Counter()

    def tasks() -> Iterator[Callable[[Send], None]]:
        for mutant in source.mutants:
            order = sorted(times, key=lambda t: (-kills[t] / (times[t] + 0.01), times[t]))
            yield partial(_try, mutant, subject, put, want, order)

    ends: dict[int, tuple[str, str]] = {}
    for ending in run_forked(tasks(), jobs=jobs, limit=limit):
        ends[ending.index] = status, by = _verdict(ending)
        if status == "killed":
            kills[by] += 1
    for index, mutant in enumerate(source.mutants):
        status, by = ends[index]
        outcome.verdicts.append(Verdict(mutant.line, mutant.operator, mutant.key, mutant.before, mutant.after, status, by))
    _settle(outcome, {} if module else dict(getattr(subject.evidence, "EQUIVALENT", {})))
    outcome.seconds = time.monotonic() - start
    return outcome


def _settle(outcome: Outcome, equivalent: dict[str, str]) -> None:
    """Set survivors apart that the evidence calls equivalent, with a reason."""
    survivors = {v.key: v for v in outcome.verdicts if v.status == "survived"}
    for key, reason in equivalent.items():
        if key not in survivors:
            outcome.problems.append(f"EQUIVALENT names no surviving mutant: {key!r}")
        elif not reason.strip():
            outcome.problems.append(f"EQUIVALENT gives no reason: {key!r}")
        else:
            survivors[key].status = "equivalent"
            outcome.reasons[key] = reason.strip()


def lines_of(outcome: Outcome) -> list[str]:
    """Return the outcome as lines for a terminal."""
    counts = ", ".join(f"{outcome.count(s)} {s}" for s in ("loud", "killed", "survived", "equivalent"))
    counts += f"; {outcome.by_time_limit} by the time limit" if outcome.by_time_limit else ""
    total = len(outcome.verdicts) - outcome.count("invalid")
    out = [
        f"{'pass' if outcome.passed else 'FAIL'} {outcome.name}: {outcome.lines} lines, {total} mutants "
        f"({counts}), {100 * outcome.share:.1f} % killed, {outcome.seconds:.1f} s"
    ]
    for v in outcome.verdicts:
        if v.status == "survived":
            out += [f"  survived, line {v.line}, {v.operator}: key {v.key!r}", f"    - {v.before}", f"    + {v.after}"]
    out += [f"  no mutant on line {line}: {text}" for line, text in outcome.bare]
    return out + [f"  problem: {p}" for p in outcome.problems]


def main(argv: list[str] | None = None) -> int:
    """Run the gate from a shell; 1 where a method stays below the threshold."""
    parser = argparse.ArgumentParser(prog="python -m renorm.testing.mutate", description="The mutation gate, per method.")
    parser.add_argument("names", nargs="*", help="methods, such as table.standard")
    parser.add_argument("--kind", help="all methods of a kind")
    parser.add_argument("--module", default="", help="change a module that the methods use: renorm.core.affine")
    parser.add_argument("--json", action="store_true", help="print records instead of lines")
    parser.add_argument("--jobs", type=int, default=JOBS, help="children at a time (default: 2)")
    options = parser.parse_args(argv)
    names = options.names + [c.key for c in catalog() if options.kind and c.kind == options.kind]
    if not names:
        parser.error("name a method or a --kind")
    passed, records = True, []
    for name in names:
        try:
            outcome = gate(name, jobs=options.jobs, module=options.module)
        except RenormError as error:
            passed = False
            records.append({"name": name, "passed": False, "problems": [str(error)]})
            if not options.json:
                sys.stdout.write(f"FAIL {name}: {error}\n")
            continue
        passed &= outcome.passed
        records.append(outcome.to_dict())
        if not options.json:
            sys.stdout.write("\n".join(lines_of(outcome)) + "\n")
            sys.stdout.flush()
    if options.json:
        sys.stdout.write(json.dumps(records, indent=2, sort_keys=True) + "\n")
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
