"""Write files that are whole or not there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from renorm.core.errors import FileError


@contextlib.contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Give a temporary name beside ``path``; it is renamed at the end, and removed if anything goes wrong.

    Raises
    ------
    FileError
        Where the folder does not exist or cannot be written.
    """
    path = Path(path)
    if path.is_dir():
        raise FileError(f"write {path}", expected="a file name", got="a folder")
    if not path.parent.is_dir():
        raise FileError(f"write {path}", expected=f"the folder {path.parent}", got="none")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise FileError(f"write {path}", expected="a place that can be written", got=str(error)) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: str | Path, text: str) -> None:
    """Write text as UTF-8 under a temporary name, then rename it: a killed run leaves the old file or none."""
    with whole(path) as temporary, temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
