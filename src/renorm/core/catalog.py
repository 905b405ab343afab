"""The catalog: every method by name, listed from cards alone, imported when asked for."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from renorm.core.card import KINDS, Card, read
from renorm.core.errors import MissingDependencyError, OptionError, RenormError, UnknownNameError, did_you_mean

PLUGIN_GROUP = "renorm.methods"
_PACKAGE = Path(__file__).resolve().parent.parent

# the pip extra that brings a package, where one of ours does
_EXTRA = {"torch": "torch", "ftfy": "text", "regex": "text", "rapidfuzz": "entity", "faiss": "faiss", "transformers": "hf"}


class Catalog:
    """Cards by full name, with aliases; classes are imported one at a time, when asked for.

    Parameters
    ----------
    folders : iterable of (package, path)
        Each folder ``path/<kind>/*.py`` is read as ``package.<kind>``.
    """

    def __init__(self, folders: Iterable[tuple[str, Path]]) -> None:
        self.cards: dict[str, Card] = {}
        self._names: dict[str, list[str]] = {}
        self._classes: dict[tuple[str, str], str] = {}
        for package, root in folders:
            for kind in KINDS:
                folder = root / kind
                if folder.is_dir():
                    self.add_folder(f"{package}.{kind}", folder, kind)

    def add_folder(self, package: str, folder: Path, kind: str | None = None) -> None:
        """Read every method file of one folder; ``kind`` where they must all be of one kind."""
        for path in sorted(folder.glob("*.py")):
            if path.name.startswith("_"):
                continue
            card = read(path, f"{package}.{path.stem}")
            if card is not None:
                if kind is not None and card.kind != kind:
                    raise RenormError(f"catalog: {path}", expected=f"kind {kind!r}, as its folder", got=repr(card.kind))
                self.add(card)

    def add(self, card: Card) -> None:
        """Register one card; a full name can be taken once."""
        if card.key in self.cards:
            raise RenormError(
                f"catalog: {card.key}", expected="a name used once", got=f"{self.cards[card.key].source} and {card.source}"
            )
        taken = self._classes.setdefault((card.kind, card.class_name), card.key) if card.class_name else card.key
        if taken != card.key:  # renorm.table.Standard can be one class only
            got = f"one in {self.cards[taken].source} and one in {card.source}"
            raise RenormError(f"catalog: {card.key}", expected=f"one class {card.class_name} in {card.kind}", got=got)
        self.cards[card.key] = card
        for name in (card.name, *card.aliases):
            for spelling in {name, name.lower()}:
                self._names.setdefault(spelling, []).append(card.key)
                self._names.setdefault(f"{card.kind}.{spelling}", []).append(card.key)

    def find(self, name: str) -> Card:
        """Return the card for ``kind.name``, an alias, or a bare name that is unique."""
        if not isinstance(name, str):
            raise OptionError("renorm.get(name)", expected="a method's name", got=repr(name))
        if name in self.cards:
            return self.cards[name]
        keys = sorted(set(self._names.get(name) or self._names.get(name.lower(), [])))
        if len(keys) == 1:
            return self.cards[keys[0]]
        if keys:
            raise UnknownNameError(
                f"renorm.get({name!r})",
                expected="a unique name",
                got=f"{len(keys)} methods",
                hint="say " + " or ".join(keys),
            )
        known = {n for n in self._names if ("." in n) == ("." in name)} | ({*self.cards} if "." in name else set())
        raise UnknownNameError(f"renorm.get({name!r})", expected="a method of the catalog", hint=did_you_mean(name, known))

    def load(self, name: str) -> Any:
        """Import the method's module and return its class."""
        card = self.find(name)
        try:
            module = importlib.import_module(card.module)
        except ModuleNotFoundError as error:
            missing = str(error.name).partition(".")[0]
            if missing not in card.requires:
                raise
            extra = _EXTRA.get(missing)
            install = f"renorm[{extra}]" if extra else missing
            raise MissingDependencyError(
                card.key,
                expected=f"the package {missing!r}",
                got="an environment without it",
                hint=f'pip install "{install}"',
            ) from error
        return getattr(module, card.class_name)

    def select(
        self,
        *,
        kind: str | None = None,
        tier: str | None = None,
        normalizes: str | None = None,
        requires: str | None = None,
        readings: bool = False,
    ) -> list[Card]:
        """Cards that fit, core methods first, then by full name."""
        if kind is not None and kind not in KINDS:
            raise UnknownNameError(f"renorm.methods(kind={kind!r})", expected="a kind", hint=did_you_mean(kind, KINDS))
        found = [
            c
            for c in self.cards.values()
            if (kind is None or c.kind == kind)
            and (tier is None or c.tier == tier)
            and (normalizes is None or c.normalizes == normalizes)
            and (requires is None or requires in c.requires)
            and (readings or c.fidelity != "reading")
        ]
        return sorted(found, key=lambda c: (c.tier != "core", c.key))

    def __iter__(self) -> Iterator[Card]:
        return iter(self.cards.values())


@lru_cache(maxsize=1)
def catalog() -> Catalog:
    """Return the catalog of renorm and of every installed plugin, read once."""
    from importlib.metadata import entry_points  # half of what importing this module would cost

    found = Catalog([("renorm", _PACKAGE)])
    for point in entry_points(group=PLUGIN_GROUP):
        # a plugin names a package whose files are methods; it is located, not imported
        try:
            spec = importlib.util.find_spec(point.value)
        except ModuleNotFoundError:  # of a package above it
            spec = None
        if spec is None or not spec.submodule_search_locations:
            who, hint = f"plugin {point.name!r}", "update or uninstall the package that brings it"
            raise RenormError(who, expected="a package that can be imported", got=repr(point.value), hint=hint)
        for place in spec.submodule_search_locations:
            found.add_folder(point.value, Path(place))
    return found


def methods(
    *, kind: str | None = None, tier: str | None = None, normalizes: str | None = None, readings: bool = False
) -> list[Card]:
    """List the cards of the catalog, without importing a method.

    Parameters
    ----------
    kind : str, optional
        ``"table"``, ``"nn"``, ``"text"``, ...
    tier : {"core", "shelf"}, optional
    normalizes : str, optional
        ``"columns"``, ``"activations"``, ``"strings"``, ...
    readings : bool, default=False
        Also list methods of which only an abstract was available.

    Returns
    -------
    list of Card

    Raises
    ------
    UnknownNameError
        For a kind that does not exist.

    Examples
    --------
    >>> import renorm
    >>> "identity" in [card.name for card in renorm.methods(kind="table")]
    True
    """
    return catalog().select(kind=kind, tier=tier, normalizes=normalizes, readings=readings)


def get(name: str) -> Any:
    """Return the class of a method by its name.

    Parameters
    ----------
    name : str
        ``"table.standard"``, an alias, or a bare name where it is unique.

    Returns
    -------
    type

    Raises
    ------
    UnknownNameError
        (also a KeyError) for an unknown or ambiguous name, with the nearest ones.
    MissingDependencyError
        (also an ImportError) where the method needs a package that is not installed.

    Examples
    --------
    >>> import renorm
    >>> renorm.get("table.standard")
    <class 'renorm.table.standard.Standard'>
    """
    return catalog().load(name)


def create(name: str, *args: Any, **options: Any) -> Any:
    """Make a method: ``get(name)(*args, **options)``.

    Examples
    --------
    >>> import renorm
    >>> renorm.create("standard", with_mean=False)
    Standard(with_mean=False)
    """
    return get(name)(*args, **options)


def serve(package: str) -> None:
    """Make a kind's package resolve its names through the catalog (PEP 562).

    Called once in the ``__init__.py`` of a kind: ``renorm.table.Standard`` then imports
    ``renorm/table/standard.py``, and ``__all__`` and ``dir()`` list what the catalog has.
    """
    module: ModuleType = sys.modules[package]
    kind = package.rpartition(".")[2]

    def names() -> dict[str, str]:
        return {c.class_name: c.key for c in catalog() if c.kind == kind}

    def resolve(name: str) -> Any:
        if name == "__all__":
            return sorted([*names(), *vars(module).get("_public", ())])
        if name.startswith("_"):
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        table = names()
        if name not in table:
            hint = did_you_mean(name, table)
            raise AttributeError(f"module {package!r} has no attribute {name!r}; {hint}")
        return catalog().load(table[name])

    def listing() -> list[str]:
        return sorted({*vars(module), *names()})

    module.__getattr__ = resolve  # type: ignore[method-assign]
    module.__dir__ = listing  # type: ignore[method-assign]
