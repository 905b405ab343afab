"""What every table normalizer shares: validation, the fit by conversation, frames in and out, files."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import narwhals.stable.v2 as nw
import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, _fit_context
from sklearn.utils import Tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_array, check_is_fitted, validate_data

from renorm.core.card import Card
from renorm.core.engine import Engine, Memory
from renorm.core.errors import DataError, FitError, OptionTypeError, RenormError
from renorm.core.fit import Rounds, drive
from renorm.core.state import Array, Lift, Query, State


@dataclass(frozen=True)
class Schema:
    """What a method may know before it asks: how many columns, and their names where they have some."""

    width: int
    names: tuple[str, ...] | None = None


def _one_round(self: TableNormalizer) -> bool:
    if self.card.rounds != "one":
        raise AttributeError(f"{self.card.key} asks {self.card.rounds} rounds: only one-round methods can do this")
    return True


def _invertible(self: TableNormalizer) -> bool:
    if self.card.invertible == "no":
        raise AttributeError(f"{self.card.key} has no inverse")
    return True


class TableNormalizer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """A scikit-learn transformer of columns, fitted by asking for statistics.

    A method writes ``_rounds`` (a generator that yields queries and returns the fitted attributes by name),
    ``_map``, and where it is invertible ``_unmap`` and ``_log_abs_det``. It never loops over data and never
    writes to ``self``.
    """

    card: ClassVar[Card]
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}
    _accepts_inf: ClassVar[bool] = False
    _positive_only: ClassVar[bool] = False
    _returns_inf: ClassVar[bool] = False  # the inverse gives infinite values back where it was fitted on some

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        card = getattr(sys.modules[cls.__module__], "CARD", None)
        if isinstance(card, Card):
            cls.card = card

    # what a method writes

    @abstractmethod
    def _rounds(self, schema: Schema) -> Rounds:
        """Ask for statistics; return the fitted attributes by name."""

    @abstractmethod
    def _map(self, x: Array) -> Array:
        """Return the normalized rows (n, d) as a new array; NaN stays NaN."""

    def _unmap(self, y: Array) -> Array:
        raise NotImplementedError

    def _log_abs_det(self, x: Array) -> Array:
        """Log of the derivative of every entry (n, d)."""
        raise NotImplementedError

    # fitting

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn from rows.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            NumPy array, pandas, polars or pyarrow frame of numbers. NaN and null are missing values and left out.
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional
            Weights act as repetitions.

        Returns
        -------
        self

        Raises
        ------
        DataError
            For inf (unless the method works by ranks), text, or no rows, with column and row.
        """
        with self._all_or_nothing():
            x = self._validated(X, reset=True)
            w = None if sample_weight is None else self._weights(sample_weight, x)
            return self._learn(Memory(x, w), self._schema())

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_on(self, engine: Engine) -> Self:
        """Learn from rows that an engine holds: files larger than memory, shards, parties.

        Parameters
        ----------
        engine : renorm.core.engine.Engine
            For example ``Batches.from_path("rows.parquet")``.

        Returns
        -------
        self

        Examples
        --------
        >>> import numpy as np, renorm
        >>> from renorm.core.engine import Shards
        >>> renorm.table.Standard().fit_on(Shards([np.array([[1.0]]), np.array([[3.0]])])).mean_
        array([2.])
        """
        if not isinstance(engine, Engine):
            raise OptionTypeError(
                f"{type(self).__name__}.fit_on(engine)",
                expected="an engine",
                got=type(engine).__name__,
                hint="Batches.from_path(path), or fit(X) for an array",
            )
        self._learn(engine, Schema(engine.width, None if engine.names is None else tuple(engine.names)))
        self.n_features_in_ = engine.width
        if engine.names is not None:
            self.feature_names_in_ = np.asarray(engine.names, dtype=object)
        elif "feature_names_in_" in vars(self):
            del self.feature_names_in_
        return self

    @available_if(_one_round)
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn from more rows; the same as `fit` on all rows seen so far."""
        self._validate_params()
        fresh = "_states" not in vars(self)
        with self._all_or_nothing():
            x = self._validated(X, reset=fresh)
            w = None if sample_weight is None else self._weights(sample_weight, x)
            return self._learn(Memory(x, w), self._schema(), more=not fresh)

    @available_if(_one_round)
    def merge(self, other: Self) -> Self:
        """Return a new normalizer, as if fitted on the rows of both.

        Raises
        ------
        FitError
            Where the two are of different classes, options or columns, or not fitted.
        """
        who = f"{type(self).__name__}.merge"
        check_is_fitted(self)
        if type(other) is not type(self) or other.get_params() != self.get_params():
            raise FitError(who, expected=repr(self), got=repr(other))
        check_is_fitted(other)
        mine, theirs = self._schema(), other._schema()
        if mine != theirs:
            raise FitError(who, expected=f"the same columns, {mine}", got=str(theirs))
        out: Self = type(self)(**self.get_params())
        out.n_features_in_ = self.n_features_in_
        if mine.names is not None:
            out.feature_names_in_ = self.feature_names_in_
        states = tuple(a.merge(b) for a, b in zip(self._states, other._states, strict=True))
        return out._finish(drive(out._rounds(out._schema()), lambda queries: states), states)

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """An interrupted or failed fit leaves the object as it was."""
        before = dict(self.__dict__)
        try:
            yield
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _schema(self) -> Schema:
        names = getattr(self, "feature_names_in_", None)
        return Schema(self.n_features_in_, None if names is None else tuple(names))

    def _learn(self, engine: Engine, schema: Schema, more: bool = False) -> Self:
        states: tuple[State, ...] = ()
        asked = [True] if self._accepts_inf else []
        if isinstance(engine, Memory):
            asked.append(True)
            self._refuse_infinite(engine.x, f"{type(self).__name__}.fit(X)")

        def answer(queries: tuple[Query, ...]) -> tuple[Any, ...]:
            nonlocal states
            if self.card.rounds == "none" or (self.card.rounds == "one" and states):
                who = f"{self.card.key}._rounds"
                raise FitError(who, expected=f"rounds {self.card.rounds!r}, as its card says", got="one more question")
            if not asked:  # rows that an engine holds were looked at by nobody
                queries = tuple(replace(query, lift=self._looked_at(query.lift)) for query in queries)
                asked.append(True)
            states = engine.answer(queries)
            if more:
                states = tuple(old.merge(new) for old, new in zip(self._states, states, strict=True))
            return states

        learnt = drive(self._rounds(schema), answer)
        return self._finish(learnt, states)

    def _finish(self, learnt: dict[str, Any], states: tuple[State, ...]) -> Self:
        for name, value in learnt.items():
            setattr(self, name, value)
        self._learnt = tuple(learnt)
        if self.card.rounds == "one":
            self._states = states
        return self

    # mapping

    def transform(self, X: Any) -> Any:
        """Return the normalized rows: a frame of the same kind for a frame, else an array (float32 for float32)."""
        check_is_fitted(self)
        x = self._validated(X, reset=False)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            y = self._map(x)
        if not np.isfinite(y).all():
            self._refuse_lost(x, y, f"{type(self).__name__}.transform(X)")
        return self._like(X, y.astype(x.dtype, copy=False))

    @available_if(_invertible)
    def inverse_transform(self, X: Any) -> Any:
        """Return the rows whose normalized values are given."""
        check_is_fitted(self)
        y = self._validated(X, reset=False, check_names=False)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            x = self._unmap(y)
        if not self._returns_inf and not np.isfinite(x).all():
            self._refuse_lost(y, x, f"{type(self).__name__}.inverse_transform(X)")
        return self._like(X, x.astype(y.dtype, copy=False))

    @available_if(_invertible)
    def log_abs_det(self, X: Any) -> Array:
        """Log of the absolute determinant of the map's Jacobian at every row, (n_samples,); missing entries count 0."""
        check_is_fitted(self)
        x = self._validated(X, reset=False)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return np.asarray(np.nansum(self._log_abs_det(np.asarray(x, dtype=np.float64)), axis=1))

    def _refuse_lost(self, before: Array, after: Array, who: str) -> None:
        lost = np.isfinite(before) & ~np.isfinite(after)
        if lost.any():
            row, column = (int(i) for i in np.argwhere(lost)[0])
            raise DataError(
                who,
                expected="values whose image float64 can hold",
                got=f"{before[row, column]!r} in {self._column(column)}, row {row}",
                hint="it is far outside the fitted range, or its column was empty at fit: fit on rows like it",
            )

    # input and output

    def _column(self, j: int) -> str:
        names = getattr(self, "feature_names_in_", None)
        return f"column {j}" if names is None else f"column {str(names[j])!r}"

    def _validated(self, X: Any, *, reset: bool, check_names: bool = True) -> Array:
        who = f"{type(self).__name__}({'X' if reset else 'X at transform'})"
        frame = _as_frame(X)
        if frame is None:
            try:
                x = validate_data(self, X, reset=reset, dtype=[np.float64, np.float32], ensure_all_finite=False)
            except RenormError:
                raise
            except ValueError as error:
                raise DataError(who, expected="a two-dimensional array of numbers", got=str(error)) from error
        else:
            if check_names:
                validate_data(self, X, reset=reset, skip_check_array=True)
            elif frame.shape[1] != self.n_features_in_:
                raise DataError(who, expected=f"{self.n_features_in_} columns", got=str(frame.shape[1]))
            try:
                x = check_array(_numbers(frame, who), ensure_all_finite=False, estimator=type(self).__name__)
            except RenormError:
                raise
            except ValueError as error:
                raise DataError(who, expected="a frame of numbers", got=str(error)) from error
        self._refuse_infinite(x, who)
        return np.asarray(x)

    def _refuse_infinite(self, x: Array, who: str) -> None:
        if not self._accepts_inf and not _finite(x):
            bad = np.argwhere(np.isinf(x))
            row, column = (int(i) for i in bad[0])
            raise DataError(
                who,
                expected="finite values or NaN",
                got=f"infinity: {x[row, column]} in {self._column(column)}, row {row}"
                + (f" and {len(bad) - 1} more" if len(bad) > 1 else ""),
                hint="drop or clip these rows, or use a method that works by ranks (robust, quantile)",
            )

    def _looked_at(self, lift: Lift | None) -> Lift:
        """Refuse infinite rows of a batch (the row is counted in its batch) before the row map sees them."""

        def look(x: Array) -> Array:
            self._refuse_infinite(x, f"{type(self).__name__}.fit_on(engine), one batch")
            return x if lift is None else lift(x)

        return look

    def _weights(self, sample_weight: Any, x: Array) -> Array:
        w = _check_sample_weight(sample_weight, x, dtype=np.float64, ensure_non_negative=True)
        if not np.any(w > 0):
            raise DataError(f"{type(self).__name__}.fit(sample_weight)", expected="a positive weight", got="only zeros")
        return np.asarray(w)

    def _like(self, X: Any, y: Array) -> Any:
        configured = getattr(self, "_sklearn_output_config", {}).get("transform", get_config()["transform_output"])
        frame = _as_frame(X)
        if frame is None or configured not in (None, "default"):
            return y
        if frame.implementation.is_pandas():
            return type(X)(y, index=X.index, columns=self.get_feature_names_out())
        columns = {name: y[:, j] for j, name in enumerate(self.get_feature_names_out())}
        return nw.from_dict(columns, backend=frame.implementation).to_native()

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.positive_only = self._positive_only
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    # files

    def save(self, path: str | Path) -> None:
        """Write the fitted normalizer to one ``.renorm`` file; `renorm.load` reads it."""
        from renorm.core.files import save

        save(self, path)

    def _fitted(self) -> dict[str, Any]:
        """What a file must hold: fitted attributes, column names, and states where they can be merged on."""
        check_is_fitted(self)
        out = {name: getattr(self, name) for name in self._learnt}
        out["n_features_in_"] = int(self.n_features_in_)
        if "feature_names_in_" in vars(self):
            out["feature_names_in_"] = [str(n) for n in self.feature_names_in_]
        return out

    def _restore(self, fitted: dict[str, Any], states: tuple[State, ...]) -> None:
        names = fitted.pop("feature_names_in_", None)
        self.n_features_in_ = fitted.pop("n_features_in_")
        if names is not None:
            self.feature_names_in_ = np.asarray(names, dtype=object)
        self._finish(fitted, states)

    def __sklearn_is_fitted__(self) -> bool:
        return "_learnt" in vars(self)


def _finite(x: Array) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        total = x.sum()
    return bool(np.isfinite(total)) or not bool(np.isinf(x).any())


def _as_frame(X: Any) -> Any:
    """Return the frame behind pandas, polars or arrow, or None."""
    if isinstance(X, np.ndarray | list | tuple) or not (hasattr(X, "columns") or hasattr(X, "column_names")):
        return None
    try:
        frame = nw.from_native(X, pass_through=True, eager_only=True)
    except (ValueError, TypeError) as error:
        raise DataError("X", expected="a frame whose columns have different names", got=str(error)) from error
    return frame if isinstance(frame, nw.DataFrame) else None


def _numbers(frame: Any, who: str) -> Array:
    """Return the frame as float64, or float32 where all of it is."""
    columns = []
    for column in frame.iter_columns():
        dtype = column.dtype
        if dtype == nw.Object or not (dtype.is_numeric() or dtype == nw.Boolean):
            columns.append(_parsed(column, who))
        else:
            narrow = dtype == nw.Float32
            kept = column.cast(nw.Float32 if narrow else nw.Float64).to_numpy()
            columns.append(np.asarray(kept, dtype=np.float32 if narrow else np.float64))
    if not columns:
        return np.zeros((frame.shape[0], 0))
    return np.column_stack(columns)


def _parsed(column: Any, who: str) -> Array:
    values = column.to_list()
    for row, value in _not_numbers(values):
        raise DataError(
            who,
            expected="numeric columns",
            got=f"{value!r} in column {str(column.name)!r} ({column.dtype}), row {row}",
            hint="encode text and dates first, or pass the numeric columns only",
        )
    return np.asarray([np.nan if v is None else float(v) for v in values], dtype=np.float64)


def _not_numbers(values: list[Any]) -> Iterator[tuple[int, Any]]:
    for row, value in enumerate(values):
        if value is not None and not isinstance(value, int | float | np.integer | np.floating | np.bool_):
            yield row, value
