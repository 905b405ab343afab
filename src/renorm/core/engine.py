"""Engines: they hold data and answer queries, in memory, batch by batch, or over shards."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
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
        self.x, self.w, self.width = x, w, x.shape[1]
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
        ``source()`` returns a new iterator of arrays ``(m, d)``, or of pairs ``(array, weights)``.
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
        first = next(iter(self._cut()), None)
        if first is None:
            raise DataError("Batches(source)", expected="at least one row", got="none")
        self.width = first[0].shape[1]

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
            For a missing file, an unknown ending, an unknown column or one that is not numeric.
        """
        path = Path(path)
        names = _columns(path, columns)
        return cls(lambda: _read(path, names, batch), batch=batch, names=names)

    def __iter__(self) -> Iterator[Batch]:
        return self._cut()

    def _cut(self) -> Iterator[Batch]:
        seen = False
        for item in self._source():
            x, w = item if isinstance(item, tuple) else (item, None)
            for start in range(0, len(x), self.batch):
                seen = True
                yield x[start : start + self.batch], None if w is None else w[start : start + self.batch]
        if not seen and hasattr(self, "width"):
            raise DataError(
                "Batches(source)",
                expected="a new iterator at every call",
                got="no rows the second time",
                hint="pass a function that makes the iterator, not the iterator",
            )

    def answer(self, queries: tuple[Query, ...]) -> tuple[Any, ...]:
        states = [query.identity(self.width) for query in queries]
        for x, w in self._cut():
            if x.shape[1] != self.width:
                raise DataError("Batches(source)", expected=f"{self.width} columns in every batch", got=f"{x.shape[1]}")
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
        self.parts = [part if isinstance(part, tuple) else (part, None) for part in parts]
        if not self.parts:
            raise DataError("Shards(parts)", expected="at least one shard", got="none")
        self.width, self.disclose = self.parts[0][0].shape[1], disclose
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


def _columns(path: Path, columns: Sequence[str] | None) -> list[str]:
    import pyarrow as pa

    schema = _open(path).schema_arrow if path.suffix == ".parquet" else _csv(path).schema
    missing = [c for c in columns or [] if c not in schema.names]
    if missing:
        raise DataError(f"Batches.from_path({str(path)!r})", expected=f"columns among {schema.names}", got=f"{missing}")
    names = list(columns) if columns is not None else list(schema.names)
    for name in names:
        kind = schema.field(name).type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
            raise DataError(
                f"Batches.from_path({str(path)!r})",
                expected="numeric columns",
                got=f"column {name!r} of type {kind}",
                hint="name the numeric ones with columns=",
            )
    return names


def _open(path: Path) -> Any:
    import pyarrow.parquet as pq

    if not path.exists():
        raise DataError(f"Batches.from_path({str(path)!r})", expected="a file", got="none")
    return pq.ParquetFile(path)


def _csv(path: Path) -> Any:
    import pyarrow.csv as pc

    if path.suffix != ".csv":
        raise DataError(f"Batches.from_path({str(path)!r})", expected="a .csv or .parquet file", got=repr(path.suffix))
    if not path.exists():
        raise DataError(f"Batches.from_path({str(path)!r})", expected="a file", got="none")
    return pc.open_csv(path)


def _read(path: Path, names: list[str], batch: int) -> Iterator[Array]:
    parquet = path.suffix == ".parquet"
    for part in _open(path).iter_batches(batch_size=batch, columns=names) if parquet else _csv(path):
        table = part.select(names)
        columns = [c.cast("float64").to_numpy(zero_copy_only=False) for c in table.columns]
        yield np.column_stack(columns) if columns else np.zeros((table.num_rows, 0))
