"""No file names a machine's folders, a package registry, or who typed it."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# written in pieces, so that this file passes its own test
PATHS = ["/".join(["", name, ""]) for name in ("work", "root", "home", "Users", "opt")]
HOSTS = [
    ".".join(p) for p in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("anaconda", "org"), ("crates", "io"))
]
HOSTS += ["download." + "pytorch"]
WORDS = ["anthr" + "opic", "cla" + "ude", "chat" + "gpt", "language model " + "wrote", "sub" + "agent"]
GENERATED = {"build", "dist", "demo", "_build", "__pycache__", "node_modules"}
GENERATED_PATHS = {"docs/methods", "docs/api", "docs/gallery", "bench/results", "data"}


def files() -> Iterator[Path]:
    for folder, names, found in os.walk(ROOT):
        here = Path(folder)
        names[:] = [
            n
            for n in names
            if n not in GENERATED
            and (not n.startswith(".") or n == ".ci")
            and not n.endswith(".egg-info")
            and (here / n).relative_to(ROOT).as_posix() not in GENERATED_PATHS
        ]
        yield from (here / n for n in found)


def test_the_project_was_read() -> None:
    found = {p.relative_to(ROOT).as_posix() for p in files()}
    assert {"Makefile", ".ci/run", "README.md", "src/renorm/core/card.py", "tests/project/test_words.py"} <= found


@pytest.mark.parametrize("words", [PATHS, HOSTS, WORDS], ids=["paths", "hosts", "words"])
def test_no_file_names(words: list[str]) -> None:
    pattern = re.compile(
        "|".join(rf"(?<![\w.:/~]){re.escape(w)}" if w.startswith("/") else re.escape(w) for w in words), re.IGNORECASE
    )
    hits = []
    for path in files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        hits += [f"{path.relative_to(ROOT)}: {m.group()}" for m in pattern.finditer(text)]
    assert hits == []


def test_no_golden_or_real_data_is_large() -> None:
    """Data sets stay outside; what is committed for tests is small."""
    large = [f"{p.relative_to(ROOT)}: {p.stat().st_size}" for p in files() if p.stat().st_size > 1_000_000]
    assert large == []
