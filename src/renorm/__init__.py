"""renorm compares normalizers on your data and says which one helps; every method comes with a receipt."""

__version__ = "0.1.0"

# where each public name lives; nothing is imported before it is asked for
_LAZY = {
    "Comparison": "renorm.comparison",
    "RenormError": "renorm.core.errors",
    "compare": "renorm.comparison",
    "create": "renorm.core.catalog",
    "get": "renorm.core.catalog",
    "load": "renorm.core.files",
    "methods": "renorm.core.catalog",
}
_PACKAGES = ("comparison", "core", "nn", "report", "table", "tensor", "testing", "text")

__all__ = ["Comparison", "RenormError", "compare", "create", "get", "load", "methods"]


def __getattr__(name: str) -> object:
    import importlib

    if name in _LAZY:
        value = globals()[name] = getattr(importlib.import_module(_LAZY[name]), name)
        return value
    if name in _PACKAGES:
        return importlib.import_module(f"renorm.{name}")
    raise AttributeError(f"module 'renorm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *_PACKAGES})
