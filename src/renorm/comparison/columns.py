"""The columns of a table by role: numbers to normalize, categories to encode, the rest left out by name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from renorm.core.errors import DataError, OptionError, ShapeError

MOST_CATEGORIES = 50


@dataclass(frozen=True, eq=False)
class Columns:
    """A table taken apart.

    Parameters
    ----------
    numeric : array of shape (n, p), float64
        Missing values are NaN.
    categorical : array of shape (n, q), object
        Strings; missing values are ``"(missing)"``.
    left_out : dict
        Column name to reason.
    """

    numeric: np.ndarray
    numeric_names: tuple[str, ...]
    categorical: np.ndarray
    categorical_names: tuple[str, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.numeric)

    def take(self, rows: np.ndarray) -> Columns:
        """The same columns, fewer rows."""
        return Columns(
            self.numeric[rows], self.numeric_names, self.categorical[rows], self.categorical_names, dict(self.left_out)
        )


def columns_of(X: Any) -> Columns:
    """Sort the columns of an array or of any data frame that narwhals knows (pandas, polars, arrow) by role.

    Raises
    ------
    DataError
        For inf, no rows, no numeric column, or a column name that occurs twice.
    ShapeError
        Where X is not two-dimensional.
    """
    import narwhals as nw

    frame = nw.from_native(X, eager_only=True, pass_through=True)
    table = _of_frame(frame) if isinstance(frame, nw.DataFrame) else _of_array(X)
    if table.rows == 0:
        raise DataError("compare(X)", expected="at least one row", got="none")
    if not table.numeric_names:
        why = "; ".join(f"{name[:40]!r}: {reason}" for name, reason in list(table.left_out.items())[:5])
        raise DataError("compare(X)", expected="at least one numeric column to normalize", got=why or "none")
    bad = np.argwhere(np.isinf(table.numeric))
    if len(bad):
        row, col = bad[0]
        raise DataError(
            "compare(X)",
            expected="finite values (NaN where one is missing)",
            got=f"{table.numeric[row, col]} in column {table.numeric_names[col][:60]!r}, row {row}",
            hint="replace inf by NaN, or drop the row",
        )
    return table


def _of_array(X: Any) -> Columns:
    if hasattr(X, "tocsr"):
        raise DataError("compare(X)", expected="a dense array or a data frame", got=f"a sparse {type(X).__name__}")
    try:
        values = np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            "compare(X)",
            expected="numbers or a data frame",
            got=str(error),
            hint="columns of several types need a data frame",
        ) from error
    if values.ndim != 2:
        raise ShapeError("compare(X)", expected="a table (rows, columns)", got=f"shape {values.shape}")
    names = tuple(f"x{i}" for i in range(values.shape[1]))
    return Columns(values, names, np.empty((len(values), 0), dtype=object))


def _of_frame(frame: Any) -> Columns:
    import narwhals as nw

    names = [str(c) for c in frame.columns]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise DataError("compare(X)", expected="column names used once", got=f"{twice[0][:60]!r} twice")
    numeric: dict[str, np.ndarray] = {}
    categorical: dict[str, np.ndarray] = {}
    left_out: dict[str, str] = {}
    for name, original in zip(names, frame.columns, strict=True):
        series = frame.get_column(original)
        dtype = series.dtype
        if dtype.is_numeric():
            numeric[name] = _floats(series)
        elif dtype.is_temporal():
            left_out[name] = "dates and times are not normalized"
        elif dtype in (nw.Boolean, nw.String, nw.Categorical, nw.Enum, nw.Object):
            values = np.array(["(missing)" if _missing(v) else str(v) for v in series.to_list()], dtype=object)
            count = len(set(values))
            if count > MOST_CATEGORIES:
                left_out[name] = f"text: {count} different values, more than {MOST_CATEGORIES} categories"
            else:
                categorical[name] = values
        else:
            left_out[name] = f"values of type {dtype}"
    rows = len(frame)
    return Columns(
        np.column_stack(list(numeric.values())) if numeric else np.empty((rows, 0)),
        tuple(numeric),
        np.column_stack(list(categorical.values())) if categorical else np.empty((rows, 0), dtype=object),
        tuple(categorical),
        left_out,
    )


def _missing(value: Any) -> bool:
    return value is None or value != value  # NaN and NaT differ from themselves


def _floats(series: Any) -> np.ndarray:
    import narwhals as nw

    values = series.cast(nw.Float64).to_numpy()
    if values.dtype != np.float64:
        values = np.array(series.cast(nw.Float64).to_list(), dtype=np.float64)
    return values


def target_of(y: Any) -> np.ndarray:
    """One target column as a numpy array: float64, or str for anything that is no number; missing stays NaN or ``None``."""
    import narwhals as nw

    series = nw.from_native(y, series_only=True, allow_series=True, pass_through=True)
    if isinstance(series, nw.Series):
        values = _floats(series) if series.dtype.is_numeric() else np.array(series.to_list(), dtype=object)
    else:
        values = np.asarray(y)
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
    if values.ndim != 1:
        raise ShapeError("compare(y)", expected="one target for each row", got=f"shape {values.shape}")
    if values.dtype.kind in "iuf":
        return values.astype(np.float64)
    return np.array([None if _missing(v) else str(v) for v in values], dtype=object)


def problem_of(y: np.ndarray, problem: str | None = None) -> str:
    """``"classification"`` for text and for at most 20 different whole numbers, else ``"regression"``."""
    if problem not in (None, "classification", "regression"):
        raise OptionError("compare(problem)", expected="'classification' or 'regression'", got=repr(problem))
    if problem is not None:
        if problem == "regression" and y.dtype.kind != "f":
            raise DataError("compare(y)", expected="numbers to regress on", got="text")
        return problem
    if y.dtype.kind != "f":
        return "classification"
    values = np.unique(y)
    return "classification" if len(values) <= 20 and np.array_equal(values, np.round(values)) else "regression"


def fingerprint(table: Columns, y: np.ndarray | None) -> str:
    """SHA-256 of the values, names and roles that a comparison saw."""
    digest = hashlib.sha256()
    for names in (table.numeric_names, table.categorical_names):
        digest.update(repr(names).encode())
    digest.update(np.ascontiguousarray(table.numeric, dtype="<f8").tobytes())
    digest.update("\x1f".join(table.categorical.ravel().tolist()).encode("utf-8", "surrogatepass"))
    if y is not None:
        if y.dtype.kind == "f":
            digest.update(np.ascontiguousarray(y, dtype="<f8").tobytes())
        else:
            digest.update("\x1f".join(map(str, y.tolist())).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
