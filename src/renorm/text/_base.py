"""What every text normalizer is: one primitive, `edits`, and everything else derived from it."""

from __future__ import annotations

import inspect
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, ClassVar, Self

from renorm.core.card import Card
from renorm.core.errors import DataError, OptionError, OptionTypeError, did_you_mean
from renorm.text._edits import Edit, Explanation, Merge, compose, differences, replay

__all__ = ["Chain", "Edit", "Explanation", "Merge", "TextNormalizer", "chain", "replay"]


def _checked(edits: Callable[..., Iterable[Edit]]) -> Callable[..., Iterable[Edit]]:
    """Refuse what is no str, whichever way a method's `edits` is reached."""

    @wraps(edits)
    def guarded(self: Any, s: str) -> Iterable[Edit]:
        if not isinstance(s, str):
            hint = "decode bytes first" if isinstance(s, bytes) else "for a column of strings call transform(series)"
            raise OptionTypeError(f"{type(self).__name__}(s)", expected="a str", got=type(s).__name__, hint=hint)
        return edits(self, s)

    return guarded


class TextNormalizer(ABC):
    """A map from str to str that is total, deterministic, and says what it did.

    A method writes `edits` and nothing else; calling, explaining, offsets, replaying, chaining and
    columns all go through it, so that no second path can drift from the first. Options are keyword
    arguments of the constructor, kept unchanged under their own names, as scikit-learn wants them;
    a method whose card has ``state="fit"`` overrides `fit`.
    """

    card: ClassVar[Card | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        card = getattr(sys.modules.get(cls.__module__), "CARD", None)
        if isinstance(card, Card):
            cls.card = card
        if "edits" in vars(cls):
            cls.edits = _checked(cls.edits)  # type: ignore[method-assign]

    @abstractmethod
    def edits(self, s: str) -> Iterable[Edit]:
        """Every change that this normalizer makes: sorted, not overlapping, none that changes nothing.

        Parameters
        ----------
        s : str
            Any string, lone surrogates included.

        Returns
        -------
        iterable of Edit

        Raises
        ------
        OptionTypeError
            (also a TypeError) for anything but a str.
        """

    def __call__(self, s: str) -> str:
        """Return the normalized string."""
        return replay(s, self.edits(s))

    def explain(self, s: str) -> Explanation:
        """Normalize and tell: the output, each edit with its rules, and positions mapped both ways."""
        edits = tuple(self.edits(s))
        return Explanation(s, replay(s, edits), edits, repr(self))

    @staticmethod
    def replay(s: str, edits: Iterable[Edit]) -> str:
        """Apply edits, perhaps stored ones, to the string they were made for."""
        return replay(s, edits)

    def equal_up_to(self, a: str, b: str) -> bool:
        """Whether two strings are the same once both are normalized; neither is rewritten."""
        return self(a) == self(b)

    def merged(self, a: str, b: str) -> list[Merge]:
        """Return each difference between two strings that normalizing removes, with its rules.

        Raises
        ------
        DataError
            Where the strings differ even when normalized.
        """
        of_a, of_b = list(self.edits(a)), list(self.edits(b))
        if replay(a, of_a) != replay(b, of_b):
            raise DataError(
                f"{type(self).__name__}.merged(a, b)",
                expected="strings that are equal when normalized",
                got="two that are not",
                hint="ask equal_up_to(a, b) first, or explain() each",
            )
        return differences(a, b, of_a, of_b)

    def transform(self, series: Any, *, jobs: int | None = 1, batch: int = 4096) -> Any:
        """Normalize every string of a column; the same kind of column comes back.

        Parameters
        ----------
        series : list, tuple, or numpy array, pandas, polars or arrow series
            Strings; missing values (None, NaN, NA) stay as they are.
        jobs : int or None, default=1
            Processes (joblib); ``-1`` for every core.
        batch : int, default=4096
            Values a process gets at a time; the result does not depend on it.

        Returns
        -------
        The same type, dtype, order, index and name. Fixed-width numpy strings get the width they need,
        categorical columns the categories they need, and an arrow column comes back as one chunk.

        Raises
        ------
        OptionTypeError
            (also a TypeError) for a value that is neither a string nor missing, with its row.
        """
        from renorm.text._series import map_series

        return map_series(f"{type(self).__name__}.transform", self, series, jobs=jobs, batch=batch)

    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Return self: there is nothing to learn unless the card says ``state="fit"``."""
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fit, then `transform` the column."""
        return self.fit(X, y).transform(X)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's options by name, as scikit-learn's ``clone`` asks for them."""
        return {name: getattr(self, name) for name in self._options()}

    def set_params(self, **params: Any) -> Self:
        """Change options by name; they are checked as the constructor checks them.

        Raises
        ------
        OptionError
            For an option that does not exist.
        """
        known = self.get_params()
        for name in params:
            if name not in known:
                who = f"{type(self).__name__}.set_params({name}=...)"
                raise OptionError(who, expected="an option of the constructor", hint=did_you_mean(name, known))
        type(self).__init__(self, **{**known, **params})
        return self

    @classmethod
    def _options(cls) -> dict[str, inspect.Parameter]:
        found = dict(inspect.signature(cls).parameters)
        return {k: p for k, p in found.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(),
            input_tags=InputTags(one_d_array=True, two_d_array=False, string=True, allow_nan=True),
            requires_fit=False,
        )

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __repr__(self) -> str:
        shown = [f"{k}={v!r}" for k, v in self.get_params().items() if v != self._options()[k].default]
        return f"{type(self).__name__}({', '.join(shown)})"


class Chain(TextNormalizer):
    """Normalizers one after the other, as one: edits stand against the first input, with the rules of all.

    Parameters
    ----------
    steps : sequence of TextNormalizer
    """

    def __init__(self, steps: Iterable[TextNormalizer]) -> None:
        if isinstance(steps, TextNormalizer) or not isinstance(steps, (list, tuple)):
            raise OptionTypeError("Chain(steps)", expected="a list of text normalizers", got=type(steps).__name__)
        for step in steps:
            if not isinstance(step, TextNormalizer):
                hint = "make it first: Name(), not Name" if isinstance(step, type) else ""
                raise OptionTypeError("Chain(steps)", expected="text normalizers", got=repr(step), hint=hint)
        if not steps:
            raise OptionError("Chain(steps)", expected="at least one normalizer", got="none")
        self.steps = steps

    def edits(self, s: str) -> list[Edit]:
        """Compose the steps' edits; what overlaps becomes one edit."""
        done: list[Edit] = []
        text = s
        for step in self.steps:
            more = list(step.edits(text))
            done = compose(s, text, done, more)
            text = replay(text, more)
        return done


def chain(*steps: TextNormalizer) -> Chain:
    r"""Join normalizers into one that applies them in this order.

    Parameters
    ----------
    *steps : TextNormalizer

    Returns
    -------
    Chain
        Itself a normalizer; its edits are spans of the first input and carry the rules of every step.

    Raises
    ------
    OptionError, OptionTypeError
        For no steps, or a step that is no text normalizer.

    Examples
    --------
    >>> from renorm.text import GeezHomophones, UnicodeClean, chain
    >>> print(chain(UnicodeClean(), GeezHomophones()).explain("\x00ሠላም"))
    Chain(steps=(UnicodeClean(), GeezHomophones())): 2 edits, 4 -> 3 characters
      [0:1] '\x00' -> '' (remove_control_chars)
      [1:2] 'ሠ' -> 'ሰ' (homophone_s)
    """
    return Chain(steps)
