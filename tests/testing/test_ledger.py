"""No silent loss: a session in which a required check did not run, or ran without passing, goes red."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent

BATTERY = """
from renorm.testing import check

def outputs(cls, case):
    return {}

@check("metric")
def first(subject): ...

@check("metric")
def second(subject): ...
"""

METHOD = '''
"""Nothing."""

CARD = Card(
    name="nothing",
    kind="metric",
    normalizes="",
    statistic="",
    axes="",
    paper="",
    fidelity="formula",
)


class Nothing: ...
'''

# the same hooks as the real suite's; the battery is two checks on one card
CONFTEST = """
import importlib.metadata, importlib.util, sys
from pathlib import Path
import renorm.testing
from renorm.core import catalog as catalogs

importlib.metadata.entry_points = lambda group: []
spec = importlib.util.spec_from_file_location("renorm.testing.checks_metric", {battery!r})
module = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = module
spec.loader.exec_module(module)
catalogs._PACKAGE = Path({folder!r})
exec(compile(Path({conftest!r}).read_text(), {conftest!r}, "exec"))
"""

GOOD = """
import pytest
from renorm.testing import ledger

@pytest.mark.parametrize(("key", "check"), ledger.expected())
def test_check(key, check):
    ledger.passed(key, check)

def test_other():
    pass
"""


@pytest.fixture
def session(tmp_path: Path):
    (tmp_path / "metric").mkdir()
    (tmp_path / "metric" / "nothing.py").write_text(METHOD)
    (tmp_path / "battery.py").write_text(BATTERY)
    (tmp_path / "tests").mkdir()
    names = {"folder": str(tmp_path), "battery": str(tmp_path / "battery.py"), "conftest": str(TESTS / "conftest.py")}
    (tmp_path / "tests" / "conftest.py").write_text(CONFTEST.format(**names))

    def run(tests: str, *arguments: str) -> tuple[int, str]:
        (tmp_path / "tests" / "test_battery.py").write_text(tests)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(arguments or ["tests"])]
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "RENORM", "COV"))}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run


def test_a_full_session_passes_and_counts_the_meta_test(session) -> None:
    code, text = session(GOOD)
    assert code == 0, text
    assert "4 passed" in text


def test_workers_share_the_ledger(session) -> None:
    code, text = session(GOOD, "tests", "-n", "2")
    assert code == 0, text
    assert "4 passed" in text


@pytest.mark.parametrize("workers", [(), ("tests", "-n", "2")])
def test_a_check_that_is_skipped_inside_is_missed(session, workers) -> None:
    code, text = session(GOOD.replace("    ledger", "    if check == 'second': pytest.skip('later')\n    ledger"), *workers)
    assert code == 1, text
    assert "metric.nothing::second" in text
    assert "metric.nothing::first" not in text
    assert "1 failed" in text


def test_a_check_that_is_not_collected_is_missed(session) -> None:
    code, text = session(GOOD.replace("ledger.expected())", "ledger.expected()[:1])"))
    assert code == 1, text
    assert "metric.nothing::second" in text


def test_a_lost_parametrization_is_missed(session) -> None:
    code, text = session(GOOD.replace("def test_check", "def check"))
    assert code == 1, text
    assert "metric.nothing::first" in text


@pytest.mark.parametrize(
    "arguments",
    [("tests", "-k", "first"), ("tests", "-k", "not second"), ("tests", "--deselect", "tests/test_battery.py::test_check")],
)
def test_a_selection_is_no_loss(session, arguments) -> None:
    code, text = session(GOOD, *arguments)
    assert code == 0, text
    assert "silent" not in text


def test_naming_one_test_is_no_loss(session) -> None:
    code, text = session(GOOD, "tests/test_battery.py::test_other")
    assert code == 0, text
    assert "1 passed" in text


def test_a_failing_check_fails_by_itself(session) -> None:
    code, text = session(GOOD.replace("    ledger.passed", "    assert check != 'first'\n    ledger.passed"))
    assert code == 1, text
    assert "silent" not in text
