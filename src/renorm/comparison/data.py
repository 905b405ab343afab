"""Data by name: a CSV or Parquet file, or one of the bundled sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from renorm.core.errors import DataError, did_you_mean

BUNDLED = {"wine": "load_wine", "breast_cancer": "load_breast_cancer", "diabetes": "load_diabetes", "digits": "load_digits"}
TARGET = "target"
# what stands for a missing value in a CSV file, beside the empty cell
_NULLS = ["", "?", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "#N/A", "-nan", "-NaN"]
_SEPARATORS = ",;\t|"


def read_table(source: str | Path, *, header: bool = True) -> Any:
    """Read a bundled set (its target is the column ``"target"``) or a CSV or Parquet file as a pyarrow table.

    Parameters
    ----------
    source : str or Path
        ``"wine"``, ``"breast_cancer"``, ``"diabetes"``, ``"digits"``, or a path that ends in .csv, .tsv or .parquet.
    header : bool, default=True
        Whether the first line of a CSV file has the names; without, columns are called c0, c1, ...

    Raises
    ------
    DataError
        For a file that is not there, is empty or cannot be read, another ending, or a name used twice.
    """
    if str(source) in BUNDLED:
        return _bundled(str(source))
    path = Path(source)
    who = f"read {str(source)!r}"
    if not path.is_file():
        hint = did_you_mean(str(source), BUNDLED) if len(path.parts) == 1 and not path.suffix else ""
        raise DataError(who, expected="a CSV or Parquet file, or a bundled set", got="no such file", hint=hint)
    import pyarrow as pa

    try:
        if path.suffix in (".parquet", ".pq"):
            import pyarrow.parquet as pq

            table = pq.read_table(path)
        elif path.suffix in (".csv", ".tsv", ".txt", ".data"):
            table = _csv(path, header)
        else:
            raise DataError(who, expected="an ending .csv, .tsv or .parquet", got=repr(path.suffix))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(who, expected="a readable table", got=" ".join(str(error).split())[:200]) from error
    names = table.column_names
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise DataError(who, expected="column names used once", got=f"{twice[0][:60]!r} twice")
    if not table.num_rows:
        raise DataError(who, expected="at least one row", got="none")
    return table


def split_target(table: Any, target: str) -> tuple[Any, Any]:
    """Split a pyarrow table into the other columns and the target.

    Raises
    ------
    DataError
        For a name that is no column.
    """
    if target not in table.column_names:
        hint = did_you_mean(target, [n[:60] for n in table.column_names])
        raise DataError("target", expected="a column of the data", got=repr(target), hint=hint)
    return table.drop_columns([target]), table.column(target)


def _bundled(name: str) -> Any:
    import pyarrow as pa
    from sklearn import datasets

    found = getattr(datasets, BUNDLED[name])()
    columns = {str(c): found.data[:, j] for j, c in enumerate(found.feature_names)}
    return pa.table({**columns, TARGET: found.target})


def _csv(path: Path, header: bool) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv as pv

    with path.open("rb") as file:
        first = file.readline().decode("utf-8", "replace")
    separator = max(_SEPARATORS, key=first.count)
    table = pv.read_csv(
        path,
        read_options=pv.ReadOptions(autogenerate_column_names=not header, block_size=1 << 26),
        parse_options=pv.ParseOptions(delimiter=separator, newlines_in_values=True),
        convert_options=pv.ConvertOptions(null_values=_NULLS, strings_can_be_null=True),
    )
    if not header:
        table = table.rename_columns([f"c{i}" for i in range(table.num_columns)])
    for j, field in enumerate(table.schema):
        if pa.types.is_string(field.type):  # " ?" of a file with spaces after its commas
            trimmed = pc.utf8_trim_whitespace(table.column(j))
            missing = pc.is_in(trimmed, value_set=pa.array(_NULLS))
            table = table.set_column(j, field.name, _numbers(pc.if_else(missing, None, trimmed)))
        elif pa.types.is_null(field.type):
            table = table.set_column(j, field.name, table.column(j).cast(pa.float64()))
    return table


def _numbers(column: Any) -> Any:
    """A column of text that holds numbers alone, once the missing ones are out, is a column of numbers."""
    import pyarrow as pa

    if column.null_count in (0, len(column)):
        return column
    try:
        return column.cast(pa.float64())
    except pa.ArrowInvalid:
        return column
