"""A state is a statistic that merges; a query asks for one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from renorm.core.errors import FitError, UnknownNameError, did_you_mean

Array = NDArray[Any]
Lift = Callable[[Array], Array]

_REGISTRY: dict[str, type[State]] = {}


class State(ABC):
    """A statistic of rows that merges with that of other rows.

    Every exact state obeys, to rounding: ``identity`` is neutral, ``merge`` is associative and does not
    depend on order, ``of(a ++ b) == of(a).merge(of(b))``, weights act as repetitions, NaN entries are left
    out column by column (unless the class says otherwise), no rows give ``identity``, and an offset of 1e8
    costs no digits of the spread.

    ``discloses`` says whether a state holds single values of the data (``"values"``) or only aggregates
    (``"none"``); a federated engine refuses the former.
    """

    __slots__ = ()
    discloses: ClassVar[str] = "none"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _REGISTRY[cls.__name__] = cls

    @classmethod
    @abstractmethod
    def of(cls, x: Array, w: Array | None = None, **params: Any) -> Self:
        """Return the state of a batch: rows ``x`` (n, d), weights ``w`` (n,) or None."""

    @classmethod
    @abstractmethod
    def identity(cls, width: int, **params: Any) -> Self:
        """Return the state of no rows of ``width`` columns."""

    @abstractmethod
    def merge(self, other: Self) -> Self:
        """Return the state of both sets of rows."""

    @classmethod
    def query(cls, *, lift: Lift | None = None, whole: Callable[..., Any] | None = None, **params: Any) -> Query:
        """Ask for this state."""
        return Query(cls, params, lift, whole)

    def to_dict(self) -> dict[str, Any]:
        """Every field by name (arrays, numbers, strings, tuples of arrays), and the class."""
        named = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        return {"state": type(self).__name__, **named}

    @staticmethod
    def from_dict(record: Mapping[str, Any]) -> State:
        """Return the state that `to_dict` wrote.

        Raises
        ------
        UnknownNameError
            For a class that does not exist.
        FitError
            Where fields are missing or too many.
        """
        values = dict(record)
        name = values.pop("state", None)
        if name not in _REGISTRY:
            raise UnknownNameError(f"State.from_dict({name!r})", expected="a state", hint=did_you_mean(str(name), _REGISTRY))
        cls = _REGISTRY[name]
        known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
        if set(values) != known:
            raise FitError(f"{name}.from_dict", expected=f"the fields {sorted(known)}", got=f"{sorted(values)}")
        return cls(**values)

    def _refuse_unlike(self, other: State, *names: str) -> None:
        """Raise unless the other is of this class and its named fields have equal shapes; nothing is broadcast."""
        who = f"{type(self).__name__}.merge"
        if type(other) is not type(self):
            raise FitError(who, expected=f"another {type(self).__name__}", got=type(other).__name__)
        for name in names:
            mine, theirs = (np.shape(getattr(s, name))[-1] for s in (self, other))
            if mine != theirs:
                raise FitError(who, expected=f"a state of {mine} columns", got=f"one of {theirs}")

    @property
    def nbytes(self) -> int:
        """Bytes held in arrays."""
        total = 0
        for f in fields(self):  # type: ignore[arg-type]
            value = getattr(self, f.name)
            parts = value if isinstance(value, tuple) else (value,)
            total += sum(p.nbytes for p in parts if isinstance(p, np.ndarray))
        return total


@dataclass(frozen=True, eq=False)
class Query:
    """A question to an engine: a state class, its parameters, and a row map to apply first.

    Parameters
    ----------
    state : type of State
    params : dict
        Passed to ``of`` and ``identity``.
    lift : callable, optional
        Maps rows ``(n, d)`` to rows before the state sees them. An engine may keep the result for the next
        round when the same object is asked for again.
    whole : callable, optional
        ``whole(x, w)``: a shortcut for an engine that holds all rows at once. Its answer stands for the
        state; the method that asks must get the same numbers either way.
    """

    state: type[State]
    params: dict[str, Any] = field(default_factory=dict)
    lift: Lift | None = None
    whole: Callable[..., Any] | None = None

    def of(self, x: Array, w: Array | None = None) -> State:
        """Answer for one batch."""
        return self.state.of(x if self.lift is None else self.lift(x), w, **self.params)

    def identity(self, width: int) -> State:
        """Answer for no rows."""
        return self.state.identity(width, **self.params)


def entry_weights(x: Array, w: Array | None) -> tuple[Array, Array | None]:
    """Rows with what does not count (NaN, rows of weight 0) set to 0, and every entry's weight; None where all weigh 1."""
    missing = np.isnan(x)
    if w is not None and not w.all():
        missing |= (w == 0)[:, None]  # infinite and far values among them: 0 times inf is NaN
    if missing.any():
        weights = np.where(missing, 0.0, 1.0 if w is None else w[:, None])
        return np.where(missing, 0.0, x), weights
    if w is None:
        return x, None
    return x, np.broadcast_to(w[:, None], x.shape)
