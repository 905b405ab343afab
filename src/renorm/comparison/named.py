"""Methods by name: from the catalog, or given as objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from renorm.core.catalog import catalog
from renorm.core.catalog import methods as cards
from renorm.core.errors import OptionError

IDENTITY = "identity"


def choose_methods(
    methods: Any,
    kind: str,
    default: Sequence[str],
    baseline: str,
    make_identity: Callable[[], Any] | None = None,
) -> dict[str, Any]:
    """Methods by name, identity and the baseline always among them (first, where they were not asked for).

    Parameters
    ----------
    methods : None, "all", name, object, or list or mapping of them
        None: ``default``; ``"all"``: every core method of the kind. A name becomes its full name in the catalog.
    make_identity : callable, optional
        Makes identity for a kind whose catalog has none.

    Raises
    ------
    UnknownNameError
        For a name that the catalog does not have.
    OptionError
        For a method of another kind, a name used twice, and anything that is neither a name nor a method.
    """
    if methods is None:
        methods = list(default)
    elif isinstance(methods, str):
        methods = [c.name for c in cards(kind=kind, tier="core")] if methods == "all" else [methods]
    elif hasattr(methods, "transform") or not isinstance(methods, Iterable):
        methods = [methods]
    items = methods.items() if isinstance(methods, Mapping) else ((None, m) for m in methods)
    chosen: dict[str, Any] = {}
    for name, given in items:
        label, method = name, given
        if isinstance(given, str):
            if given == IDENTITY and make_identity is not None:
                label, method = name or IDENTITY, make_identity()
            else:
                card = catalog().find(given if "." in given else f"{kind}.{given}")
                if card.kind != kind:
                    raise OptionError("compare(methods)", expected=f"a method of kind {kind!r}", got=repr(card.key))
                label, method = name or card.name, card.key
        elif isinstance(given, type) and kind == "table":
            raise OptionError("compare(methods)", expected="names or normalizers", got=repr(given), hint="make an instance")
        elif not (hasattr(given, "transform") or callable(given)):
            raise OptionError("compare(methods)", expected="names or normalizers", got=repr(given))
        elif label is None:
            label = getattr(given, "__name__", type(given).__name__)
        if label in chosen:
            raise OptionError(
                "compare(methods)", expected="each method once", got=repr(label), hint="name them by a mapping"
            )
        chosen[str(label)] = method
    missing: dict[str, Any] = {}
    if IDENTITY not in chosen:
        missing[IDENTITY] = make_identity() if make_identity is not None else catalog().find(f"{kind}.{IDENTITY}").key
    if baseline not in chosen and baseline != IDENTITY:
        missing[baseline] = catalog().find(f"{kind}.{baseline}").key
    return {**missing, **chosen}


def first_line(error: BaseException | str) -> str:
    """The first line of an error's text, or its type: enough to go on."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
