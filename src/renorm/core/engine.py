"""Engines: they hold data and answer queries, in memory, batch by batch, or over shards."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from renorm.core.errors import DataError, FitError, OptionError
from renorm.core.state import Array, Lift, Query

Batch = tuple[Array, Array | None]


class Engine(ABC):
    """Answers queries over rows it holds.

    Attributes
    ----------
    width : int
        Columns.
    names : list of str or None
        Their names, where the source has names.
    """

    width: int
    names: list[str] | None = None

    @abstractmethod
    def answer(self, queries: tuple[Query, ...]) -> tuple[Any, ...]:
        """Return one state a query, from one pass over the data."""


class Memory(Engine):
    """All rows in one array.

    Parameters
    ----------
    x : array (n, d)
    w : array (n,), optional
        Weights.
    """

    def __init__(self, x: Array, w: Array | None = None) -> None:
        self.x, self.w = _checked((x, w), "Memory(x, w)")
        self.width = self.x.shape[1]
        self._lift: Lift | None = None
        self._lifted: Array | None = None

    def answer(self, queries: tuple[Query, ...]) -> tuple[Any, ...]:
        return tuple(self._answer(query) for query in queries)

    def _answer(self, query: Query) -> Any:
        x = self.x
        if query.lift is not None:
            if query.lift is not self._lift or self._lifted is None:
                self._lift, self._lifted = query.lift, query.lift(x)
            x = self._lifted
        return query.state.of(x, self.w, **query.params) if query.whole is None else query.whole(x, self.w)


class Batches(Engine):
    """Rows that come in batches, as often as they are asked for; never more than ``batch`` rows at once.

    Parameters
    ----------
    source : callable
        ``source()`` returns a new iterator of arrays ``(m, d)``, or of pairs ``(array, weights)``, over the same rows
        at every call; they may come in another order.
    batch : int, default=65536
        Most rows that any state sees in one call; larger batches are cut.
    names : list of str, optional
    """

    def __init__(
        self, source: Callable[[], Iterable[Array | Batch]], *, batch: int = 65_536, names: list[str] | None = None
    ) -> None:
        if batch < 1:
            raise OptionError("Batches(batch)", expected="at least 1 row", got=repr(batch))
        self._source, self.batch, self.names = source, batch, names
        self._rows: int | None = None  # of a whole pass
        self._items = source()
        cut = self._cut(self._items)
        first = next(cut, None)
        if first is None:
            raise DataError("Batches(source)", expected="at least one row that weighs something", got="none")
        self.width = first[0].shape[1]
        # the first pass goes on from here: an iterator that cannot be made anew has lost nothing yet
        self._begun: Iterator[Batch] | None = chain([first], cut)

    @classmethod
    def from_path(cls, path: str | Path, *, columns: Sequence[str] | None = None, batch: int = 65_536) -> Batches:
        """Read a CSV or Parquet file, batch by batch.

        Parameters
        ----------
        path : str or Path
            ``*.csv`` or ``*.parquet``.
        columns : sequence of str, optional
            The columns to read; all by default. They must be numeric.
        batch : int, default=65536
            Most rows held at once.

        Raises
        ------
        DataError
            For a file that is missing or cannot be read, an unknown ending, and a column that is unknown, there
            twice, or not numeric.
        """
        path = Path(path)
        kinds = _columns(path, columns)
        return cls(lambda: _read(path, kinds, batch), batch=batch, names=list(kinds))

    def __iter__(self) -> Iterator[Batch]:
        rows, begun, self._begun = 0, self._begun, None
        for x, w in self._again() if begun is None else begun:
            if x.shape[1] != self.width:
                raise DataError("Batches(source)", expected=f"{self.width} columns in every batch", got=f"{x.shape[1]}")
            rows += len(x)
            yield x, w
        if self._rows is not None and rows != self._rows:
            raise self._one_shot(f"{rows} rows after {self._rows} in the pass before")
        self._rows = rows

    def _again(self) -> Iterator[Batch]:
        items = self._source()
        if items is self._items and iter(items) is items:
            raise self._one_shot("the same iterator twice")
        return self._cut(items)

    @staticmethod
    def _one_shot(got: str) -> DataError:
        expected, hint = "a new iterator at every call", "pass a function that makes the iterator, not the iterator"
        return DataError("Batches(source)", expected=expected, got=got, hint=hint)

    def _cut(self, items: Iterable[Array | Batch]) -> Iterator[Batch]:
        for item in items:
            x, w = _checked(item, "Batches(source)")
            for start in range(0, len(x), self.batch):
                yield x[start : start + self.batch], None if w is None else w[start : start + self.batch]

    def answer(self, queries: tuple[Query, ...]) -> tuple[Any, ...]:
        states = [query.identity(self.width) for query in queries]
        for x, w in self:
            states = [state.merge(query.of(x, w)) for state, query in zip(states, queries, strict=True)]
        return tuple(states)


class Shards(Engine):
    """Rows split over parties; their states merge along a random tree.

    Parameters
    ----------
    parts : sequence of arrays, or of pairs (array, weights)
    seed : int, default=0
        Of the order and shape of the merges.
    disclose : {"values", "none"}, default="values"
        With ``"none"`` a query whose state holds single values of the data is refused.
    """

    def __init__(self, parts: Sequence[Array | Batch], *, seed: int = 0, disclose: str = "values") -> None:
        if disclose not in ("values", "none"):
            raise OptionError("Shards(disclose)", expected="'values' or 'none'", got=repr(disclose))
        self.parts = [_checked(part, "Shards(parts)") for part in parts]
        widths = sorted({x.shape[1] for x, _ in self.parts})
        if not any(len(x) for x, _ in self.parts):
            raise DataError("Shards(parts)", expected="at least one shard with a row that weighs something", got="none")
        if len(widths) > 1:
            raise DataError("Shards(parts)", expected="as many columns in every shard", got=f"{widths}")
        self.width, self.disclose = widths[0], disclose
        self._rng = np.random.default_rng(seed)

    def answer(self, queries: tuple[Query, ...]) -> tuple[Any, ...]:
        for query in queries:
            if self.disclose == "none" and query.state.discloses == "values":
                raise FitError(
                    f"Shards.answer({query.state.__name__})",
                    expected="states that hold no single values of the data",
                    got="one that does",
                    hint="choose a method whose card asks for aggregates only",
                )
        return tuple(self._tree(query) for query in queries)

    def _tree(self, query: Query) -> Any:
        states: list[Any] = [query.of(x, w) for x, w in self.parts]
        while len(states) > 1:
            i, j = self._rng.choice(len(states), size=2, replace=False)
            merged = states[i].merge(states[j])
            states = [s for k, s in enumerate(states) if k not in (i, j)] + [merged]
        return states[0]


def _checked(item: Array | tuple[Array, Array | None], who: str) -> Batch:
    """Return rows (n, d) and weights (n,) or None as arrays, without the rows that weigh nothing.

    Raises
    ------
    DataError
        For other shapes, and weights that are negative or NaN.
    """
    x, w = item if isinstance(item, tuple) else (item, None)
    x = np.asarray(x)
    if x.ndim != 2:
        raise DataError(who, expected="rows of shape (n, d)", got=f"shape {x.shape}")
    if w is not None:
        w = np.asarray(w, dtype=np.float64)
        if w.shape != (len(x),):
            raise DataError(who, expected=f"weights of shape ({len(x)},)", got=f"shape {w.shape}")
        if not (np.isfinite(w) & (w >= 0)).all():
            raise DataError(who, expected="finite weights of at least 0", got=f"{w[~(np.isfinite(w) & (w >= 0))][0]}")
        if not w.all():  # a far value in such a row could overflow where it is mapped, and 0 times inf is NaN
            x, w = x[w > 0], w[w > 0]
    return x, w


def _columns(path: Path, columns: Sequence[str] | None) -> dict[str, Any]:
    """Names of the columns to read, with the type that the file, or the first block of a CSV file, gives them."""
    import pyarrow as pa

    who = f"Batches.from_path({str(path)!r})"
    with _named(path):
        schema = _parquet(path).schema_arrow if path.suffix == ".parquet" else _csv(path).schema
    names = list(columns) if columns is not None else list(schema.names)
    missing = [c for c in names if c not in schema.names]
    if missing:
        raise DataError(who, expected=f"columns among {schema.names}", got=f"{missing}")
    twice = sorted({c for c in names if schema.names.count(c) > 1})
    if twice:
        raise DataError(who, expected="columns with different names", got=f"{twice} more than once")
    kinds = {name: schema.field(name).type for name in names}
    # a CSV column without a value in the first block has no type yet
    numeric = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_null)
    for name, kind in kinds.items():
        if not any(fits(kind) for fits in numeric):
            raise DataError(
                who,
                expected="numeric columns",
                got=f"column {name!r} of type {kind}",
                hint="name the numeric ones with columns=",
            )
    return kinds


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Turn what pyarrow says of a file into an error that names the file."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        who, got = f"Batches.from_path({str(path)!r})", str(error).strip()
        found = re.match(r"In CSV column #(\d+): (?:Row #(\d+): )?CSV conversion error to \w+: invalid value (.*)", got)
        if found is None:
            raise DataError(who, expected="a file that can be read", got=got) from error
        raise DataError(
            who,
            expected=f"numbers in column {_csv(path).schema.names[int(found[1])]!r}, as in its first rows",
            got=found[3] + (f" in line {found[2]}" if found[2] else ""),
            hint="mend the file, or name the numeric columns with columns=",
        ) from error


def _parquet(path: Path) -> Any:
    import pyarrow.parquet as pq

    if not path.exists():
        raise DataError(f"Batches.from_path({str(path)!r})", expected="a file", got="none")
    return pq.ParquetFile(path)


def _csv(path: Path, kinds: dict[str, Any] | None = None) -> Any:
    """Open a CSV file; every numeric column of ``kinds`` is read as float64, whatever its first rows look like."""
    import pyarrow as pa
    import pyarrow.csv as pc

    if path.suffix != ".csv":
        raise DataError(f"Batches.from_path({str(path)!r})", expected="a .csv or .parquet file", got=repr(path.suffix))
    if not path.exists():
        raise DataError(f"Batches.from_path({str(path)!r})", expected="a file", got="none")
    types = {name: kind if pa.types.is_boolean(kind) else pa.float64() for name, kind in (kinds or {}).items()}
    convert = pc.ConvertOptions(include_columns=list(types) if kinds else None, column_types=types)
    return pc.open_csv(path, convert_options=convert)


def _read(path: Path, kinds: dict[str, Any], batch: int) -> Iterator[Array]:
    names = list(kinds)
    with _named(path):
        parquet = path.suffix == ".parquet"
        for part in _parquet(path).iter_batches(batch_size=batch, columns=names) if parquet else _csv(path, kinds):
            # not safe: an integer beyond 2**53 is the nearest float, as numpy has it
            columns = [c.cast("float64", safe=False).to_numpy(zero_copy_only=False) for c in part.select(names).columns]
            yield np.column_stack(columns) if columns else np.zeros((part.num_rows, 0))
