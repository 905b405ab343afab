"""One family of errors: who complains, what was expected, what came, and how to go on."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RenormError(ValueError):
    """Bad input, named: the base of every error that renorm raises on purpose.

    Parameters
    ----------
    who : str
        The method or function that complains, with the argument: ``"Standard.fit(X)"``.
    expected, got, hint : str, optional
        What would have been accepted, what came instead, and the way out.

    Examples
    --------
    >>> print(RenormError("Standard.fit(X)", expected="finite values", got="inf in row 3", hint="drop the row"))
    Standard.fit(X): expected finite values, got inf in row 3. Hint: drop the row.
    """

    def __init__(self, who: str, *, expected: str = "", got: str = "", hint: str = "") -> None:
        self.who, self.expected, self.got, self.hint = who, expected, got, hint
        super().__init__(str(self))

    def __str__(self) -> str:
        parts = [f"expected {self.expected}"] if self.expected else []
        parts += [f"got {self.got}"] if self.got else []
        text = f"{self.who}: {', '.join(parts) if parts else 'cannot go on'}"
        hint = self.hint if self.hint.endswith("?") else self.hint.rstrip(".") + "."
        return text.rstrip(".") + (f". Hint: {hint}" if self.hint else ".")

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.who, self.expected, self.got, self.hint)


def _rebuild(cls: type[RenormError], who: str, expected: str, got: str, hint: str) -> RenormError:
    return cls(who, expected=expected, got=got, hint=hint)


class DataError(RenormError):
    """The data cannot be used as they are (inf, text in a numeric column, no rows)."""


class ShapeError(RenormError):
    """The shape does not fit: both shapes and the likely mend are in the text."""


class OptionError(RenormError):
    """An option has a value outside its domain."""


class OptionTypeError(OptionError, TypeError):
    """An option, or an argument, has a type that cannot be used."""


class UnknownNameError(RenormError, KeyError):
    """A look-up by name found nothing; the nearest names are suggested."""

    def __str__(self) -> str:  # KeyError would print the repr
        return RenormError.__str__(self)


class FileError(RenormError):
    """A file is corrupt, newer than this release, or not what it claims to be."""


class FitError(RenormError):
    """A fit cannot be done this way: a query an engine refuses, a merge of unlike states."""


class MissingDependencyError(RenormError, ImportError):
    """A method needs a package that is not installed; the text has the pip line."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Words for a hint: the nearest known names, or how many there are.

    Examples
    --------
    >>> did_you_mean("standart", ["standard", "robust"])
    "did you mean 'standard'?"
    """
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    if near:
        return "did you mean " + " or ".join(repr(n) for n in near) + "?"
    shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
    return f"known names: {shown}" if known else "nothing is registered here"
