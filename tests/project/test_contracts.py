"""The import contracts cover every kind, and turn red when they are broken."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from renorm.core.card import KINDS

ROOT = Path(__file__).resolve().parents[2]

PLANTS = {
    "floors": ("core/state.py", "import renorm.table._base"),
    "catalog": ("comparison/task.py", "import renorm.table.standard"),
    "torch": ("table/standard.py", "import torch"),
    "core": ("core/affine.py", "import sklearn"),
}


def contracts() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter", encoding="utf-8")
    return parser


def test_every_kind_stands_in_the_layers() -> None:
    layers = (
        contracts()["importlinter:contract:floors"]["layers"].replace("(", "").replace(")", "").replace("|", " ").split()
    )
    assert {f"renorm.{kind}" for kind in KINDS} <= set(layers)
    folders = {p.parent.name for p in (ROOT / "src" / "renorm").glob("*/__init__.py")}
    assert {f"renorm.{name}" for name in folders} <= set(layers)


def test_no_kind_is_reachable_by_name_from_above() -> None:
    forbidden = contracts()["importlinter:contract:catalog"]["forbidden_modules"].split()
    present = {f"renorm.{p.parent.name}" for p in (ROOT / "src" / "renorm").glob("*/__init__.py") if p.parent.name in KINDS}
    assert present == set(forbidden)


def test_each_contract_turns_red(tmp_path: Path) -> None:
    pytest.importorskip("importlinter")
    shutil.copytree(ROOT / "src" / "renorm", tmp_path / "renorm", ignore=shutil.ignore_patterns("__pycache__"))
    for place, line in PLANTS.values():
        with (tmp_path / "renorm" / place).open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(sys.argv[1], no_cache=True))"
    run = subprocess.run(
        [sys.executable, "-c", code, str(ROOT / ".importlinter")],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 1, run.stdout + run.stderr
    parser = contracts()
    for name, (_, line) in PLANTS.items():
        title = parser[f"importlinter:contract:{name}"]["name"]
        assert f"{title} BROKEN" in run.stdout, run.stdout
        assert line.removeprefix("import ").split()[-1] in run.stdout
