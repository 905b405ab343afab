"""The command on text: lines in, lines out."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import renorm
from renorm.core.catalog import catalog
from renorm.core.errors import DataError, FileError, OptionError


def text(method: str, file: Path | None, explain: bool, jsonl: bool) -> None:
    """Normalize line by line; a line stays one line, whatever the normalizer does."""
    card = catalog().find(method if "." in method else f"text.{method}")
    if card.kind != "text":
        raise OptionError("text(METHOD)", expected="a text normalizer", got=card.key)
    normalizer = renorm.create(card.key)
    with _opened(file) as source, _utf8(sys.stdout) as out:
        for number, line in enumerate(_lines(source), start=1):
            if not (explain or jsonl):
                out.write(_one_line(normalizer(line)) + "\n")
                continue
            told = normalizer.explain(line).to_dict()
            out.write((json.dumps({"line": number, **told}, ensure_ascii=False) if jsonl else _told(number, told)) + "\n")


def _told(number: int, told: dict[str, Any]) -> str:
    lines = [f"{number}: {_one_line(str(told['output']))}"]
    lines += [f"    {_edit(e)}" for e in told["edits"]]
    return "\n".join(lines)


def _edit(edit: dict[str, Any]) -> str:
    return ", ".join(f"{k} {v!r}" for k, v in edit.items())


def _one_line(s: str) -> str:
    return s.replace("\r", " ").replace("\n", " ")


def _lines(source: TextIO) -> Iterator[str]:
    try:
        for line in source:
            yield line.removesuffix("\n")
    except UnicodeDecodeError as error:
        raise DataError("text", expected="UTF-8", got=str(error)) from error


@contextlib.contextmanager
def _opened(file: Path | None) -> Iterator[TextIO]:
    if file is None:
        with _utf8(sys.stdin) as source:
            yield source
        return
    if not file.is_file():
        raise FileError(f"read {str(file)!r}", expected="a text file", got="no such file")
    with file.open(encoding="utf-8", newline="\n") as source:
        yield source


@contextlib.contextmanager
def _utf8(stream: Any) -> Iterator[TextIO]:
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(encoding="utf-8", newline="\n")
    yield stream
    if stream is not sys.stdin:
        stream.flush()
