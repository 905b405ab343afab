"""renorm compares normalizers on your data and says which one helps; every method comes with a receipt."""

from __future__ import annotations

import importlib
from typing import Any

from renorm.core.catalog import create, get, methods
from renorm.core.errors import RenormError

__version__ = "0.1.0"

_LAZY = {"compare": "renorm.comparison", "Comparison": "renorm.comparison", "load": "renorm.core.files"}
_PACKAGES = ("comparison", "core", "nn", "report", "table", "tensor", "testing", "text")

__all__ = ["Comparison", "RenormError", "compare", "create", "get", "load", "methods"]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    if name in _PACKAGES:
        return importlib.import_module(f"renorm.{name}")
    raise AttributeError(f"module 'renorm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *_PACKAGES})
