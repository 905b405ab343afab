"""The templates: what they refuse to write, and that what they write is a method that passes everything but its marks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import renorm
from renorm.core.catalog import catalog
from renorm.testing import battery, docstrings, layout, mutate, scaffold

CHECKOUT = Path(__file__).resolve().parents[2]
DEAR = ("compiled", "exported")  # the nightly test runs them, too


def without_marks(text: str) -> str:
    """The template with every marked line left as it is, its mark taken away."""
    return re.sub(r" *# <replace.*$| *<replace[^>]*>", "", text, flags=re.MULTILINE).replace(
        "-\n\n", "-\n    A. Author.\n\n"
    )


@pytest.mark.parametrize(
    ("kind", "name", "word"),
    [
        ("tabel", "mean_center", "did you mean 'table'"),
        ("image", "mean_center", "a kind with a template"),
        ("table", "MeanCenter", "snake_case"),
        ("table", "mean__center", "snake_case"),
        ("table", "2_means", "snake_case"),
        ("table", "class", "snake_case"),
        ("table", "standard", "a name that is free"),
        ("table", "z_score", "a name that is free"),
    ],
)
def test_bad_names_and_kinds_are_refused(workshop, capsys, kind, name, word) -> None:
    with pytest.raises(renorm.RenormError, match=word):
        scaffold.new(kind, name)
    assert scaffold.main(["new", kind, name]) == 2
    assert word in capsys.readouterr().err
    assert not (workshop.folder / "src").exists()


def test_files_are_not_overwritten(workshop) -> None:
    source, proof = scaffold.new("table", "mean_center")
    assert source == workshop.folder / "src" / "renorm" / "table" / "mean_center.py"
    assert proof == workshop.folder / "tests" / "methods" / "table" / "test_mean_center.py"
    before = source.read_text()
    with pytest.raises(renorm.RenormError, match="files that are not there yet"):
        scaffold.new("table", "mean_center")
    assert source.read_text() == before


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", scaffold.kinds())
def test_the_template_is_a_method_that_passes(workshop, kind) -> None:
    pytest.importorskip("ruff")  # the job without torch has no linter
    if kind == "nn":
        pytest.importorskip("torch")
    source, proof = scaffold.new(kind, "zz_trial")
    for path in (source, proof):
        name = str(path.relative_to(workshop.folder))  # as if it stood in the checkout
        for command in (["check"], ["format", "--diff"]):
            ruff = [sys.executable, "-m", "ruff", *command, "--quiet", "--stdin-filename", name, "-"]
            text = path.read_text()
            done = subprocess.run(ruff, capture_output=True, text=True, check=False, cwd=CHECKOUT, input=text)
            assert done.returncode == 0, done.stdout + done.stderr
    key = workshop.add(f"{kind}.zz_trial", source.read_text(), proof.read_text())
    marked = layout.faults(catalog().find(key))
    assert len(marked) == 2
    assert all("still the template's" in fault for fault in marked)
    workshop.add(key, without_marks(source.read_text()), without_marks(proof.read_text()))
    card = catalog().find(key)
    assert layout.faults(card) == []
    count, failed = docstrings.failed_examples(card.module)
    assert count > 0
    assert failed == []
    if kind != "nn":  # torch's autograd does not survive the fork that follows other tests
        outcome = mutate.gate(key)
        assert outcome.passed, "\n".join(mutate.lines_of(outcome))
    for check in battery.required(card):
        if check.name not in DEAR:
            battery.run(check, battery.subject(key))


@pytest.mark.nightly
@pytest.mark.parametrize("kind", scaffold.kinds())
def test_new_then_edit_then_check_in_a_checkout(tmp_path, kind) -> None:
    for name in ("src", "tests", "pyproject.toml"):
        copy = shutil.copytree if (CHECKOUT / name).is_dir() else shutil.copy
        copy(CHECKOUT / name, tmp_path / name)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RENORM")} | {"PYTHONPATH": str(tmp_path / "src")}

    def run(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "renorm.testing.scaffold", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
        return done.returncode, done.stdout + done.stderr

    code, said = run("new", kind, "zz_trial")
    assert code == 0, said
    code, said = run("check", "zz_trial")
    assert code == 1, said
    assert "still the template's" in said
    for line in run("new", kind, "zz_other")[1].splitlines()[:2]:
        Path(line).unlink()
    for path in (tmp_path / "src/renorm" / kind / "zz_trial.py", tmp_path / "tests/methods" / kind / "test_zz_trial.py"):
        path.write_text(without_marks(path.read_text()))
    code, said = run("check", "zz_trial")
    assert code == 0, said
    assert (tmp_path / "src" / "renorm" / "_receipts" / f"{kind}.zz_trial.json").exists()
