"""One printed table: what memory, batches and shards teach a table method, and by how much they differ.

``python -m renorm.testing.engines`` prints it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from renorm.core.card import Card
from renorm.core.catalog import catalog
from renorm.core.engine import Batches, Engine, Memory, Shards
from renorm.core.state import Array
from renorm.testing.evidence import rng
from renorm.testing.tolerance import gap

OFFSETS = (0.0, 1e8, 1e12)
ENGINES = ("batches", "shards", "rows")
_ROWS = 47


@dataclass(frozen=True)
class Row:
    """The largest relative gaps to memory of one method at one offset, over plain, weighted and holed columns.

    ``fitted`` and ``mapped`` give, for each engine of `ENGINES`, the gap of the fitted attributes and of the
    transformed rows.
    """

    method: str
    offset: float
    fitted: dict[str, float]
    mapped: dict[str, float]


def columns(offset: float) -> Array:
    """Columns on a grid of 1/64, so that an offset moves them exactly: bell-shaped, skewed, tied and wide."""
    g = rng("columns of the table of engines")
    x = np.column_stack(
        [g.normal(size=_ROWS), g.gamma(1.5, 2.0, _ROWS), g.integers(0, 5, _ROWS), 100 * g.standard_cauchy(_ROWS)]
    )
    return np.round(x * 64) / 64 + offset


def cases(offset: float, positive: bool = False) -> Iterator[tuple[Array, Array | None]]:
    """Return rows and weights: plain, with whole weights, with NaN and other weights; above 0 where that is asked."""
    x = columns(offset)
    x = np.abs(x) + 1 / 64 if positive else x
    g = rng("weights and holes of the table of engines")
    whole, parts = g.integers(0, 4, len(x)).astype(float), g.integers(1, 9, len(x)) / 8
    holed = np.where(g.random(x.shape) < 0.2, np.nan, x)
    yield from [(x, None), (x, whole), (holed, parts)]


def engines(x: Array, w: Array | None, seed: int = 0) -> dict[str, Callable[[], Engine]]:
    """Ways to hold the same rows, permuted: batches of 16 and less, shards of unlike sizes, shards of one row."""
    order = np.random.default_rng(seed).permutation(len(x))
    xs, ws = x[order], None if w is None else w[order]

    def part(start: int, stop: int) -> tuple[Array, Array | None]:
        return xs[start:stop], None if ws is None else ws[start:stop]

    cuts = [0, 0, 1, 4, 20, 21, 40, len(x)]
    return {
        "batches": lambda: Batches(lambda: [part(i, i + 40) for i in range(0, len(x), 40)], batch=16),
        "shards": lambda: Shards([part(a, b) for a, b in pairwise(cuts)], seed=seed),
        "rows": lambda: Shards([part(i, i + 1) for i in range(len(x))], seed=seed + 1),
    }


def fitted(method: Any) -> dict[str, Array]:
    """Every number that a method learned, as arrays."""
    found = {name: np.asarray(value) for name, value in method._fitted().items() if not isinstance(value, list)}
    if "residual_" in found:  # what rounding left of the mean: it means something beside the spread only
        found["residual_"] = np.stack([np.ones_like(found["scale_"]), found["residual_"] / found["scale_"]])
    return {name: value.astype(np.float64) for name, value in found.items() if value.dtype.kind in "biuf"}


def compare(card: Card, offset: float) -> Row:
    """Fit one method on every engine and compare with memory."""
    cls = catalog().load(card.key)
    positive = cls().__sklearn_tags__().input_tags.positive_only
    learnt, mapped = dict.fromkeys(ENGINES, 0.0), dict.fromkeys(ENGINES, 0.0)
    for number, (x, w) in enumerate(cases(offset, positive)):
        whole = cls().fit_on(Memory(x, w))
        want, rows = fitted(whole), whole.transform(x)
        for name, engine in engines(x, w, number).items():
            other = cls().fit_on(engine())
            got = fitted(other)
            unlike = got.keys() != want.keys()
            # column by column where there are columns: a wide one must not hide a narrow one
            gaps = [gap(a, b) for k in want for a, b in _by_column(got.get(k), want[k])]
            learnt[name] = max(learnt[name], np.inf if unlike else 0.0, *gaps)
            mapped[name] = max(mapped[name], *(gap(a, b) for a, b in _by_column(other.transform(x), rows)))
    return Row(card.key, offset, learnt, mapped)


def _by_column(got: Any, want: Array) -> list[tuple[Any, Any]]:
    if got is None or got.shape != want.shape or want.ndim == 0:
        return [(got if got is not None else np.nan, want)]
    return [(got[..., j], want[..., j]) for j in range(want.shape[-1])]


def table(names: list[str] | None = None) -> list[Row]:
    """Return a row for every method of tables whose states merge, and every offset."""
    cards = [c for c in catalog().select(kind="table") if c.mergeable and (names is None or c.key in names)]
    return [compare(card, offset) for card in cards for offset in OFFSETS]


def text(rows: list[Row]) -> str:
    """Lay the table out."""
    lines = ["largest relative gap to memory (over plain, weighted and holed columns)", ""]
    head = "".join(f"{name + ' ' + what:>18}" for name in ENGINES for what in ("fitted", "mapped"))
    width = max((len(row.method) for row in rows), default=0) + 1
    lines.append(f"{'method':<{width}}{'offset':>8}{head}")
    for row in rows:
        gaps = "".join(f"{value:>18.1e}" for name in ENGINES for value in (row.fitted[name], row.mapped[name]))
        lines.append(f"{row.method:<{width}}{row.offset:>8.0e}{gaps}")
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m renorm.testing.engines", description="memory, batches and shards")
    parser.add_argument("names", nargs="*", help="methods, such as table.standard; all by default")
    options = parser.parse_args(argv)
    sys.stdout.write(text(table([catalog().find(name).key for name in options.names] or None)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
