"""The commands on tables: compare, report, fit, apply, invert."""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from renorm.comparison.data import BUNDLED, TARGET, read_table, split_target
from renorm.core.errors import DataError, FileError, OptionError, RenormError

BATCH = 65_536


@contextlib.contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on stderr for work over a second; None where stderr is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=console, transient=True)
    start = time.monotonic()
    task = bar.add_task(what, total=None)
    shown = False

    def advance(done: int, total: int) -> None:
        nonlocal shown
        if not shown and time.monotonic() - start > 1.0:
            bar.start()
            shown = True
        bar.update(task, completed=done, total=total)

    try:
        yield advance
    finally:
        if shown:
            bar.stop()


def compare(
    data: str,
    *,
    target: str | None,
    no_target: bool,
    methods: str | None,
    estimators: str | None,
    scoring: str | None,
    group: str | None,
    problem: str | None,
    folds: int | None,
    repeats: int | None,
    rope: float | None,
    seed: int,
    jobs: int | None,
    html: Path | None,
    json_path: Path | None,
    header: bool,
) -> None:
    """Run one comparison and show it."""
    from renorm.comparison import compare as run
    from renorm.report import html_page, print_comparison, write_whole

    to_stdout = json_path is not None and str(json_path) == "-"
    for path in (html, None if to_stdout else json_path):
        if path is not None and not path.parent.is_dir():  # before the work, not after it
            raise FileError(f"write {path}", expected=f"the folder {path.parent}", got="none")
    if target is not None and no_target:
        raise OptionError("--target", expected="either --target or --no-target", got="both")
    table = read_table(data, header=header)
    if target is None and data in BUNDLED:
        target = TARGET
    groups = y = None
    if group is not None:
        table, groups = split_target(table, group)
        groups = np.asarray(groups.to_pylist(), dtype=str)
    if target is not None:
        table, y = split_target(table, target)
    if no_target:
        y = None
    options: dict[str, Any] = {"scoring": scoring, "problem": problem, "rope": rope, "folds": folds, "repeats": repeats}
    with progress_bar("comparing") as progress:
        result = run(
            table,
            y,
            methods="all" if methods == "all" else _names(methods),
            estimators=_names(estimators),
            groups=groups,
            random_state=seed,
            jobs=jobs,
            progress=progress,
            name=data if data in BUNDLED else Path(data).name,
            command=_command(sys.argv),
            **options,
        )
    if json_path is not None and not to_stdout:
        write_whole(json_path, result.to_json() + "\n")
    if html is not None:
        write_whole(html, html_page(result.to_dict()))
    if to_stdout:
        sys.stdout.write(result.to_json() + "\n")
        return
    console = Console()
    print_comparison(result.to_dict(), console)
    for path in (html, json_path):
        if path is not None:
            console.print(f"   wrote {path}", markup=False, highlight=False, soft_wrap=True)


def report(result: Path, html: Path | None) -> None:
    """Show a saved comparison."""
    from renorm.comparison import Comparison
    from renorm.report import html_page, print_comparison, write_whole

    if not result.is_file():
        raise FileError(f"read {str(result)!r}", expected="a file that 'compare --json' wrote", got="no such file")
    data = Comparison.from_json(result.read_text(encoding="utf-8")).to_dict()
    if html is not None:
        write_whole(html, html_page(data))
    else:
        print_comparison(data)


def fit(data: str, method: str, out: Path, columns: str | None, as_json: bool) -> None:
    """Fit one table normalizer on a file through the batch engine, and save it."""
    import renorm
    from renorm.core import files
    from renorm.core.catalog import catalog
    from renorm.core.engine import Batches

    card = catalog().find(method if "." in method else f"table.{method}")
    if card.kind != "table":
        raise OptionError("fit(--method)", expected="a table normalizer", got=card.key)
    if not out.parent.is_dir():
        raise FileError(f"write {out}", expected=f"the folder {out.parent}", got="none")
    chosen = _names(columns)
    normalizer = renorm.create(card.key)
    if data in BUNDLED:
        table = read_table(data).drop_columns([TARGET])
        normalizer.fit(table.select(chosen) if chosen else table)
    else:
        path = Path(data)
        normalizer.fit_on(Batches.from_path(path, columns=chosen or _numeric(path)))
    files.save(normalizer, out)
    names = [str(n) for n in normalizer.feature_names_in_]
    _say(
        {"method": card.key, "columns": names, "file": str(out)},
        f"{card.key} fitted on {len(names)} columns: {out}",
        as_json,
    )


def apply(normalizer: Path, data: str, out: Path, *, inverse: bool, as_json: bool) -> None:
    """Map the fitted columns of a file, batch by batch; the others pass through."""
    import pyarrow as pa

    from renorm.core import files
    from renorm.report._files import whole

    if out.suffix not in (".csv", ".parquet"):
        raise OptionError("apply(--out)", expected="a file name ending in .csv or .parquet", got=repr(out.suffix))
    fitted = files.load(normalizer)
    move = getattr(fitted, "inverse_transform", None) if inverse else fitted.transform
    if move is None:
        raise OptionError("invert", expected="a method with an inverse", got=fitted.card.key)
    if getattr(fitted, "feature_names_in_", None) is None:
        raise FileError(
            f"apply {str(normalizer)!r}", expected="a normalizer fitted on named columns", got="one without names"
        )
    names = [str(n) for n in fitted.feature_names_in_]
    rows = 0
    with whole(out) as temporary, contextlib.ExitStack() as stack:
        writer = None
        for batch in _batches(data):
            missing = [n for n in names if n not in batch.column_names]
            if missing:
                raise DataError(f"apply({data!r})", expected=f"the fitted column {missing[0]!r}", got="a file without it")
            values = np.column_stack([_floats(batch.column(n), n) for n in names])
            moved = _moved(move, names, values)
            columns = [pa.array(moved[n], from_pandas=True) if n in moved else batch.column(n) for n in batch.column_names]
            piece = pa.table(columns, names=batch.column_names)
            if writer is None:
                writer = stack.enter_context(_writer(temporary, out.suffix, piece.schema))
            writer.write_table(piece)
            rows += piece.num_rows
        if writer is None:
            raise DataError(f"apply({data!r})", expected="at least one row", got="none")
    word = "inverted" if inverse else "normalized"
    _say({"rows": rows, "columns": names, "file": str(out)}, f"{rows} rows, {len(names)} columns {word}: {out}", as_json)


def _moved(move: Callable[[Any], Any], names: list[str], values: np.ndarray) -> dict[str, np.ndarray]:
    import pyarrow as pa

    table = move(pa.table({n: values[:, j] for j, n in enumerate(names)}))
    return {n: table.column(n).to_numpy() for n in names}


def _floats(column: Any, name: str) -> np.ndarray:
    import pyarrow as pa

    try:
        return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(f"column {name!r}", expected="numbers", got=" ".join(str(error).split())[:120]) from error


def _batches(data: str) -> Iterator[Any]:
    """Record batches of a file, never much more than `BATCH` rows at once."""
    import pyarrow as pa

    if data in BUNDLED:
        yield from read_table(data).to_batches(BATCH)
        return
    path = Path(data)
    try:
        yield from _open(path)
    except pa.ArrowException as error:
        raise DataError(f"read {data!r}", expected="a readable table", got=" ".join(str(error).split())[:200]) from error


def _open(path: Path) -> Iterator[Any]:
    if not path.is_file():
        raise DataError(f"read {str(path)!r}", expected="a CSV or Parquet file, or a bundled set", got="no such file")
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return iter(pq.ParquetFile(path).iter_batches(batch_size=BATCH))
    if path.suffix == ".csv":
        import pyarrow.csv as pv

        return iter(pv.open_csv(path))
    raise DataError(f"read {str(path)!r}", expected="an ending .csv or .parquet", got=repr(path.suffix))


def _numeric(path: Path) -> list[str]:
    """The numeric columns of a file, by its schema."""
    import pyarrow as pa

    first = next(_batches(str(path)), None)
    if first is None:
        raise DataError(f"read {str(path)!r}", expected="at least one row", got="none")
    names = [f.name for f in first.schema if pa.types.is_integer(f.type) or pa.types.is_floating(f.type)]
    if not names:
        raise DataError(f"read {str(path)!r}", expected="at least one numeric column", got="none")
    return names


def _writer(path: Path, suffix: str, schema: Any) -> Any:
    if suffix == ".parquet":
        import pyarrow.parquet as pq

        return pq.ParquetWriter(path, schema)
    import pyarrow.csv as pv

    return pv.CSVWriter(path, schema)


def _names(text: str | None) -> list[str] | None:
    if text is None:
        return None
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names:
        raise RenormError("command line", expected="names, by commas", got=repr(text))
    return names


def _command(argv: list[str]) -> str:
    return shlex.join(["renorm", *argv[1:]])


def _say(data: dict[str, Any], line: str, as_json: bool) -> None:
    sys.stdout.write((json.dumps(data) if as_json else line) + "\n")
