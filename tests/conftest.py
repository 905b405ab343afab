"""Settings of the whole suite, and the ledger of the battery: a session that selected all of it must have run all of it."""

# ruff: noqa: E402

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before numpy and torch start their threads

import pytest
from hypothesis import HealthCheck, settings

from renorm.core.catalog import catalog
from renorm.testing import ledger

BATTERY = "test_battery.py::test_check["
MODULE = "test_battery.py"
METHODS = Path(__file__).resolve().parent / "methods"

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("nightly", deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("nightly" if os.environ.get("RENORM_NIGHTLY") else "ci" if os.environ.get("CI") else "local")


def _first(config: pytest.Config) -> bool:
    """Whether this is the process that started the session, not one of its workers."""
    return not hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    if _first(config):
        os.environ[ledger.FOLDER] = tempfile.mkdtemp(prefix="renorm-ledger-")
        if any("::" in argument for argument in config.invocation_params.args):
            ledger.note("partial", "single tests were named")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out what needs a package that this job declares to be without: evidence by its card, others by their imports."""
    without = [name for name in os.environ.get(ledger.WITHOUT, "").split(",") if name]
    if not without or collection_path.suffix != ".py" or not collection_path.name.startswith("test_"):
        return None
    if collection_path.parent.parent == METHODS:
        key = f"{collection_path.parent.name}.{collection_path.stem.removeprefix('test_')}"
        return bool(set(without) & set(catalog().find(key).requires)) or None
    text = collection_path.read_text(encoding="utf-8")
    return any(re.search(rf"^(import|from) {name}\b", text, re.MULTILINE) for name in without) or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave nightly tests out of other runs."""
    if not os.environ.get("RENORM_NIGHTLY"):
        nightly = [item for item in items if item.get_closest_marker("nightly")]
        if nightly:
            items[:] = [item for item in items if item not in nightly]
            config.hook.pytest_deselected(items=nightly)


def pytest_collection_finish(session: pytest.Session) -> None:
    if any(MODULE in item.nodeid for item in session.items):
        ledger.note("collected")


def pytest_deselected(items: list[pytest.Item]) -> None:
    if any(BATTERY in item.nodeid for item in items):
        ledger.note("partial", "checks were deselected")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Report, as the last test of the session, whether every required check of every card ran and passed."""
    config = session.config
    if not _first(config):
        return
    folder = os.environ.pop(ledger.FOLDER)
    found = ledger.entries(folder)
    shutil.rmtree(folder)
    kinds = {words[0] for words in found}
    if exitstatus != 0 or "collected" not in kinds or "partial" in kinds or config.option.collectonly:
        return
    missing = ledger.lost(found)
    text = "These required checks did not run and pass:\n  " + "\n  ".join(missing) if missing else None
    nodeid = "tests/test_battery.py::test_no_silent_loss"
    report = pytest.TestReport(nodeid, (MODULE, None, nodeid), {}, "failed" if missing else "passed", text, "call")
    config.hook.pytest_runtest_logreport(report=report)
    if missing:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
