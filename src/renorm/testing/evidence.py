"""What an evidence file is made of: cases, an oracle, and the table of tolerances.

An evidence file (``tests/methods/<kind>/test_<name>.py``) holds ``METHOD = "kind.name"``, ``cases()``,
``oracle(case)`` and plain ``test_...()`` functions without fixtures, so that pytest, the battery, the
mutation gate and the receipt all run the same file. It gets the class by ``renorm.get(METHOD)`` inside
functions, never at import, so that a mutated class is the one that is tested.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from renorm.core.errors import FileError


@dataclass(frozen=True)
class Case:
    """One input with its options.

    Parameters
    ----------
    id : str
    x : object
        The input: a numpy array (table, nn) or a str (text).
    options : mapping
        Constructor arguments by name.
    extra : mapping
        What else the case carries: ``sample_weight``, ``mask``, ``parameters``, ``mode`` ...
    """

    id: str
    x: Any
    options: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


def rng(name: str) -> np.random.Generator:
    """Return a generator seeded by a name (of the test or case), so that no seed is ever tuned."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def root() -> Path | None:
    """The checkout that holds the evidence (``RENORM_ROOT``, or found from this file), or None."""
    start = os.environ.get("RENORM_ROOT")
    for folder in [Path(start)] if start else [*Path(__file__).resolve().parents, Path.cwd()]:
        if (folder / "tests" / "methods").is_dir():
            return folder
    return None


def path_of(key: str) -> Path:
    """Where the evidence of ``kind.name`` is, or would be.

    Raises
    ------
    FileError
        Outside a checkout.
    """
    kind, _, name = key.partition(".")
    base = root()
    if base is None:
        raise FileError(f"evidence of {key}", expected="a checkout of the project", got="an installed package alone")
    return base / "tests" / "methods" / kind / f"test_{name}.py"


def load(key: str) -> ModuleType:
    """Import the evidence file of ``kind.name``."""
    path = path_of(key)
    if not path.exists():
        raise FileError(f"evidence of {key}", expected=f"the file {path.name} in {path.parent}", got="none")
    name = "renorm_evidence_" + key.replace(".", "_")
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # a .py path always has both
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def golden(name: str) -> dict[str, Any]:
    """Load ``tests/golden/<name>.npz``: arrays by name, ``meta`` as a dict."""
    import json

    base = root()
    if base is None:
        raise FileError(f"vectors {name}", expected="a checkout of the project", got="an installed package alone")
    with np.load(base / "tests" / "golden" / f"{name}.npz", allow_pickle=False) as file:
        out: dict[str, Any] = {k: file[k] for k in file.files}
    out["meta"] = json.loads(str(out["meta"]))
    return out
