"""Type checkers see what the packages resolve at run time."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import renorm
from renorm.core.errors import RenormError
from renorm.testing import ledger, stubs

PACKAGE = Path(renorm.__file__).parent

SCRIPT = """\
import numpy as np
import renorm
from renorm.nn import RMSNorm
from renorm.table import Standard

reveal_type(Standard(with_mean=False))  # renorm.table.standard.Standard
reveal_type(renorm.table.Robust())  # renorm.table.robust.Robust
reveal_type(RMSNorm(8))  # renorm.nn.rms_norm.RMSNorm
reveal_type(renorm.compare(np.zeros((4, 2))))  # renorm.comparison.result.Comparison
reveal_type(renorm.compare(np.zeros((4, 2))).best_)  # str
reveal_type(renorm.methods()[0].fidelity)  # str
renorm.table.Standrad  # error: Standrad
renorm.cmopare  # error: cmopare
Standard(with_maen=True)  # error: with_maen
"""

# only what is renorm's own is followed: the rest would take most of the time
CONFIG = """\
[mypy]
follow_imports = skip
ignore_missing_imports = true
[mypy-renorm.*]
follow_imports = normal
"""


def names_of(text: str) -> list[str]:
    (line,) = (n for n in ast.parse(text).body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__")
    return sorted(ast.literal_eval(line.value))


def test_a_user_script_is_checked(tmp_path: Path) -> None:
    stubs.write(PACKAGE)
    script, config = tmp_path / "script.py", tmp_path / "mypy.ini"
    script.write_text(SCRIPT)
    config.write_text(CONFIG)
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file",
        str(config),
        "--cache-dir",
        str(tmp_path / "cache"),
        script.name,
    ]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=240)
    said: dict[int, str] = {}
    for line in run.stdout.splitlines():
        found = re.match(r"script\.py:(\d+): (error|note): (.*)", line)
        if found:
            said[int(found[1])] = said.get(int(found[1]), "") + f"{found[2]}: {found[3]}\n".replace("builtins.", "")
    assert said, run.stdout + run.stderr
    for number, line in enumerate(SCRIPT.splitlines(), start=1):
        _, _, want = line.partition("  # ")
        if want.startswith("error: "):
            assert "error: " in said.get(number, ""), line
            assert want.removeprefix("error: ") in said[number], line
        elif want:
            assert f'note: Revealed type is "{want}"' in said.get(number, ""), f"{line}: {said.get(number)}"
            assert "error: " not in said[number], line
        else:
            assert number not in said, said.get(number)


@pytest.mark.parametrize("name", sorted(stubs.make(PACKAGE)))
def test_a_stub_has_the_names_of_its_package(name: str) -> None:
    kind = Path(name).parent.name
    if kind and any(ledger.absent(card) for card in renorm.methods(kind=kind)):
        pytest.skip(f"renorm.{kind} needs packages that are not here")
    module = importlib.import_module(".".join(["renorm", *Path(name).parent.parts]))
    assert names_of(stubs.make(PACKAGE)[name]) == sorted(module.__all__)


def test_names_defined_in_a_kind_come_along(tmp_path: Path) -> None:
    folder = tmp_path / "table"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from renorm.core.catalog import serve\nfrom renorm.table._base import Schema as Schema\n"
        "_public = ('Schema', 'for_columns')\n\n"
        "def for_columns(name: str, *, width: int = 3) -> Schema:\n    return Schema(width)\n"
    )
    text = stubs._kind(folder / "__init__.py", {"Standard": "renorm.table.standard"})
    assert names_of(text) == ["Schema", "Standard", "for_columns"]
    assert "from renorm.table._base import Schema as Schema" in text
    assert "def for_columns(name: str, *, width: int=3) -> Schema:\n    ..." in text
    assert "serve as serve" not in text


def test_a_public_name_that_is_nowhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text("_public = ('lost',)\n")
    with pytest.raises(RenormError, match="lost"):
        stubs._kind(tmp_path / "__init__.py", {})
