"""One function over a column of strings, whatever holds it: the same kind of column comes back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from renorm.core.errors import DataError, OptionError, OptionTypeError


def map_series(who: str, apply: Callable[[str], str], series: Any, *, jobs: int | None, batch: int) -> Any:
    """Apply ``str -> str`` to each string of a series; missing values stay as they are."""
    if not isinstance(batch, int) or batch < 1:
        raise OptionError(f"{who}(batch)", expected="a positive whole number", got=repr(batch))
    if isinstance(series, (list, tuple)):
        done = _run(who, apply, series, jobs, batch)
        return done if isinstance(series, list) else tuple(done)
    if isinstance(series, np.ndarray):
        return _numpy(who, series, lambda values: _run(who, apply, values, jobs, batch))
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is not None and isinstance(series, pyarrow.Array):
        chunks = pyarrow.chunked_array([series])
        return map_series(who, apply, chunks, jobs=jobs, batch=batch).combine_chunks()
    return _frame(who, series, lambda values: _run(who, apply, values, jobs, batch))


def _numpy(who: str, series: np.ndarray, run: Callable[[Sequence[Any]], list[Any]]) -> np.ndarray:
    if series.dtype.kind not in "OUT":
        raise OptionTypeError(f"{who}(series)", expected="an array of strings", got=f"dtype {series.dtype}")
    done = run(series.ravel().tolist())
    # a fixed-width array is as wide as its longest new string
    dtype: Any = series.dtype if series.dtype.kind != "U" else np.str_
    out = np.empty(len(done), dtype=dtype) if series.dtype.kind == "O" else np.array(done, dtype=dtype)
    out[:] = done
    return out.reshape(series.shape)


def _frame(who: str, series: Any, run: Callable[[Sequence[Any]], list[Any]]) -> Any:
    import narwhals as nw

    try:
        column = nw.from_native(series, series_only=True)
    except TypeError:
        hint = "call the normalizer itself on one string" if isinstance(series, str) else "give one column, or a list"
        raise OptionTypeError(
            f"{who}(series)", expected="a list, or a numpy, pandas, polars or arrow series", got=_kind(series), hint=hint
        ) from None
    categorical = isinstance(column.dtype, (nw.Categorical, nw.Enum))
    if not categorical and column.dtype not in (nw.String, nw.Object):
        if len(column) == column.null_count():  # all missing: no string type was ever seen
            return series
        raise DataError(f"{who}(series)", expected="a column of strings", got=f"dtype {column.dtype}", hint="cast it first")
    if column.implementation.is_pandas_like():
        done = run(series.tolist())
        dtype = "category" if categorical else series.dtype
        return type(series)(done, index=series.index, name=series.name, dtype=dtype)
    done = run(column.to_list())
    if column.implementation.is_polars():
        polars = sys.modules["polars"]
        return polars.Series(series.name, done, dtype=polars.Categorical if categorical else series.dtype)
    pyarrow = sys.modules["pyarrow"]
    if categorical:
        return pyarrow.chunked_array([pyarrow.array(done, type=series.type.value_type).dictionary_encode()])
    return pyarrow.chunked_array([pyarrow.array(done, type=series.type)])


def _run(who: str, apply: Callable[[str], str], values: Sequence[Any], jobs: int | None, batch: int) -> list[Any]:
    offsets = range(0, len(values), batch)
    batches: Iterator[tuple[int, Sequence[Any]]] = ((at, values[at : at + batch]) for at in offsets)
    if jobs in (None, 1) or len(offsets) < 2:
        return [value for at, part in batches for value in _batch(who, apply, part, at)]
    import joblib

    parts = joblib.Parallel(n_jobs=jobs)(joblib.delayed(_batch)(who, apply, part, at) for at, part in batches)
    return [value for part in parts for value in part]


def _batch(who: str, apply: Callable[[str], str], values: Sequence[Any], offset: int) -> list[Any]:
    """One batch; a value that repeats is normalized once."""
    known: dict[str, str] = {}
    out: list[Any] = []
    for row, value in enumerate(values, offset):
        if isinstance(value, str):
            if value not in known:
                known[value] = apply(value)
            out.append(known[value])
        elif value is None or value is getattr(sys.modules.get("pandas"), "NA", None) or value != value:
            out.append(value)
        else:
            hint = "decode it first" if isinstance(value, bytes) else ""
            raise OptionTypeError(f"{who}(series)", expected="str or missing", got=f"{_kind(value)} in row {row}", hint=hint)
    return out


def _kind(value: Any) -> str:
    shown = "".join(islice(repr(value), 40))
    return f"{type(value).__name__} {shown}"
