"""The commands that the README, CI and CONTRIBUTING name exist, and CI does what it must."""

import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGETS = (
    "demo",
    "test",
    "lint",
    "types",
    "contracts",
    "docs",
    "bench",
    "nightly",
    "new",
    "check",
    "receipts",
    "clean",
    "help",
)


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def dry(*arguments: str) -> str:
    make = shutil.which("make")
    assert make is not None
    # a fresh environment that does not exist, so that every step of a first call is printed
    run = subprocess.run([make, "-n", "VENV=none", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return run.stdout


def test_every_target_exists() -> None:
    assert set(TARGETS) <= targets()


def test_help_lists_every_target() -> None:
    make = shutil.which("make")
    assert make is not None
    shown = subprocess.run([make, "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in TARGETS:
        assert re.search(rf"^{name}\s", shown, re.MULTILINE), name


def test_demo_needs_neither_torch_nor_tools() -> None:
    steps = dry("demo")
    assert "--editable ." in steps
    assert "[dev]" not in steps
    assert "renorm compare wine --target target --html demo/wine.html --json demo/wine.json" in steps


def test_every_install_is_constrained() -> None:
    for name in ("demo", "test", "lint", "docs"):
        installs = [line for line in dry(name).splitlines() if "pip install" in line]
        assert installs
        assert all("--constraint constraints.txt" in line for line in installs)
    assert "torch==" in (ROOT / "constraints.txt").read_text(encoding="utf-8")


def test_pages_name_only_commands_that_exist() -> None:
    """`make something` in any page is a target."""
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("bench/*.md")]:
        for name in re.findall(r"(?:`|^\s*)make ([a-z]+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            assert name in targets(), f"{path.name}: make {name}"


def test_ci_runs_every_part() -> None:
    text = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for part in ("make demo", "make test", "make lint", "make types", "make contracts", "make docs", "test_without_torch"):
        assert re.search(rf"\b{part}$", text, re.MULTILINE), part
    assert "set -euo pipefail" in text
