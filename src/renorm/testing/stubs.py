"""Stubs for type checkers and editors: what packages resolve at run time, written out from the catalog.

Uses only the standard library and the catalog: the build of a wheel runs it where nothing else is installed.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

from renorm.core.catalog import Catalog
from renorm.core.errors import RenormError

_HEAD = "# Generated from the catalog by renorm.testing.stubs; never edited, never committed.\n"


def make(package: Path) -> dict[str, str]:
    """Text of every stub of the package, by its path inside the package.

    Parameters
    ----------
    package : Path
        The folder ``renorm`` itself.
    """
    cards = Catalog([("renorm", package)])
    out = {"__init__.pyi": _root(package)}
    for kind in sorted({card.kind for card in cards}):
        source = package / kind / "__init__.py"
        if source.exists():
            methods = {c.class_name: c.module for c in cards if c.kind == kind}
            out[f"{kind}/__init__.pyi"] = _kind(source, methods)
    return out


def write(package: Path) -> list[Path]:
    """Write the stubs into the package; return where they are."""
    out = []
    for name, text in make(package).items():
        path = package / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
        out.append(path)
    return out


def _root(package: Path) -> str:
    """Write out ``renorm/__init__.py``: plain imports, lazy names and packages."""
    tree = ast.parse((package / "__init__.py").read_text(encoding="utf-8"))
    values = _literals(tree)
    public = values["__all__"]
    names = {name: module for name, module in _imports(tree).items() if name in public} | values["_LAZY"]
    packages = [p for p in values["_PACKAGES"] if (package / p / "__init__.py").exists()]
    lines = [f"from renorm import {p} as {p}" for p in packages] + _reexports(names)
    return _HEAD + "\n".join([*lines, "", "__version__: str", f"__all__ = {sorted(public)!r}", ""])


def _kind(source: Path, methods: dict[str, str]) -> str:
    """Write out the ``__init__.py`` of a kind: its methods, and the names it lists in ``_public`` or imports by ``*``."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    stars = _stars(tree, source.parent.parent)
    imported = _imports(tree) | stars
    public = tuple(dict.fromkeys((*_literals(tree).get("_public", ()), *stars)))
    defined = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    lost = [name for name in public if name not in imported and name not in defined]
    if lost:
        raise RenormError(f"stub of {source}", expected="names that it imports or functions that it defines", got=f"{lost}")
    lines = _reexports(methods | {name: imported[name] for name in public if name in imported})
    own = [defined[name] for name in public if name in defined]
    if own:  # their annotations need what the module imports
        lines += [ast.unparse(n) for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    for function in own:
        function.body = [ast.Expr(ast.Constant(...))]
        lines.append(ast.unparse(function))
    return _HEAD + "\n".join([*lines, "", f"__all__ = {sorted({*methods, *public})!r}", ""])


def _imports(tree: ast.Module) -> dict[str, str]:
    """Names that a module imports from others, with the module that has them."""
    return {
        alias.name: node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
        for alias in node.names
        if alias.asname in (None, alias.name)
    }


def _stars(tree: ast.Module, package: Path) -> dict[str, str]:
    """Names that a module imports by ``from renorm... import *``, with the module that has them."""
    out: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and node.names[0].name == "*":
            path = package.joinpath(*node.module.split(".")[1:]).with_suffix(".py")
            out |= dict.fromkeys(_literals(ast.parse(path.read_text(encoding="utf-8")))["__all__"], node.module)
    return out


def _literals(tree: ast.Module) -> dict[str, Any]:
    """Read the module's assignments of literals, by name."""
    out: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                out[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return out


def _reexports(names: dict[str, str]) -> list[str]:
    return [f"from {module} import {name} as {name}" for name, module in sorted(names.items(), key=lambda i: (i[1], i[0]))]


if __name__ == "__main__":
    written = write(Path(__file__).resolve().parent.parent)
    sys.stdout.write(f"{len(written)} stubs\n")
