"""The commands on the catalog: methods, show, verify."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from renorm.core.card import KINDS
from renorm.core.catalog import catalog
from renorm.core.catalog import methods as cards
from renorm.core.errors import FileError


def methods(kind: str | None, readings: bool, as_json: bool) -> None:
    """List cards."""
    found = cards(kind=kind, readings=readings)
    if as_json:
        _print_json([c.to_dict() for c in found])
        return
    console = Console()
    for each in dict.fromkeys(c.kind for c in found):
        console.print(Text(f"{each}: {KINDS[each]}", style="bold"))
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(style="dim")
        for c in found:
            if c.kind == each:
                table.add_row(f"  {c.name}", Text(c.use_when or c.statistic))
        console.print(table)
    if not found:
        console.print(f"no methods of kind {kind}")


def show(name: str, as_json: bool) -> None:
    """Print one card."""
    card = catalog().find(name)
    if as_json:
        _print_json(card.to_dict())
        return
    console = Console()
    console.print(Text(card.key, style="bold"))
    _pairs(console, {k: _shown(v) for k, v in card.to_dict().items() if k not in ("name", "kind")})


def verify(name: str, run: bool, as_json: bool) -> None:
    """Print or remake a receipt."""
    card = catalog().find(name)
    from renorm.testing import receipts

    receipt = receipts.make(card.key) if run else receipts.load(card.key)
    if receipt is None:
        raise FileError(
            f"verify {card.key}",
            expected="a receipt",
            got="none shipped",
            hint="make one in a checkout: renorm verify NAME --run",
        )
    if as_json:
        _print_json(receipt)
        return
    console = Console()
    console.print(Text(f"receipt of {card.key}", style="bold"))
    _pairs(console, receipt)


def _pairs(console: Console, data: Mapping[str, Any]) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in data.items():
        text = _shown(value)
        if text:
            table.add_row(f"  {key}", Text(text))
    console.print(table)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "\n".join(f"{k}: {_shown(v)}".replace("\n", "\n  ") for k, v in value.items())
    if isinstance(value, list | tuple):
        inner = [_shown(v) for v in value]
        return ("\n" if any("\n" in v or len(v) > 40 for v in inner) else ", ").join(inner)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else "" if value is None else str(value)


def _print_json(data: Any) -> None:
    sys.stdout.write(json.dumps(data, indent=1) + "\n")
