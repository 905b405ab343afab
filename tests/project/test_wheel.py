"""The wheel carries what the sources have, and the stubs that only the build makes."""

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import renorm
from renorm.testing import stubs

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "renorm"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """Built without isolation and without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-build-isolation",
        "--no-deps",
        "--no-index",
        "-w",
        str(folder),
    ]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True, timeout=120)
    (path,) = folder.glob("renorm-*.whl")
    with zipfile.ZipFile(path) as file:
        yield file


def test_stubs_are_those_of_the_catalog(wheel: zipfile.ZipFile) -> None:
    made = stubs.make(PACKAGE)
    assert "table/__init__.pyi" in made
    for name, text in made.items():
        assert wheel.read(f"renorm/{name}").decode() == text


def test_nothing_of_the_package_is_left_out(wheel: zipfile.ZipFile) -> None:
    inside = set(wheel.namelist())
    for path in PACKAGE.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyi":
            assert f"renorm/{path.relative_to(PACKAGE).as_posix()}" in inside


def test_marker_receipts_and_templates_are_inside(wheel: zipfile.ZipFile) -> None:
    inside = wheel.namelist()
    assert "renorm/py.typed" in inside
    assert any(n.startswith("renorm/_receipts/") and n.endswith(".json") for n in inside)
    assert any(n.startswith("renorm/report/") and n.endswith(".j2") for n in inside)


def test_nothing_else_is_inside(wheel: zipfile.ZipFile) -> None:
    assert {n.split("/")[0] for n in wheel.namelist()} == {"renorm", f"renorm-{version(wheel)}.dist-info"}


def test_it_runs_from_the_wheel(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    code = "import renorm; print(renorm.__file__); print(*(card.key for card in renorm.methods()))"
    environment = {"PYTHONPATH": str(tmp_path), "PATH": ""}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    where, *names = run.stdout.split()
    assert Path(where).is_relative_to(tmp_path)
    assert names == [card.key for card in renorm.methods()]


def version(wheel: zipfile.ZipFile) -> str:
    return Path(str(wheel.filename)).name.split("-")[1]
