"""How numbers and foreign strings are shown."""

from __future__ import annotations

import math


def decimals(rope: float) -> int:
    """Digits behind the point that show a difference a tenth of the region of practical equivalence.

    Examples
    --------
    >>> decimals(0.01), decimals(0.77), decimals(250.0)
    (3, 2, 0)
    """
    if not rope > 0:
        return 4
    return min(12, max(0, 1 - math.floor(math.log10(rope))))


def printable(text: str, most: int = 200) -> str:
    """Text without control characters (a column name may hold escape sequences), cut where it is very long."""
    clean = "".join(c if c.isprintable() else "\ufffd" for c in text)
    return clean if len(clean) <= most * 5 else clean[:most] + " ..."
