"""Unicode normalization forms as edits: piece by piece between places where nothing can compose or reorder."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import groupby

from renorm.text._edits import Edit

_STRETCH = re.compile(r"[\x00-\x7f]?[^\x00-\x7f]+")
_LONG = 64  # marks; sorting more of them is quadratic in unicodedata


@cache
def joiners() -> frozenset[str]:
    """Every character that can compose with, or be reordered before, what stands to its left (in any form)."""
    seconds = {chr(c) for c in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))}  # Hangul vowels and finals
    decomposed: list[str] = []
    for code in range(0x30000):  # the planes above have neither marks nor decompositions
        c = chr(code)
        if unicodedata.combining(c):
            seconds.add(c)
        parts = unicodedata.decomposition(c).split()
        if parts:
            decomposed.append(c)
            if not parts[0].startswith("<"):
                seconds.update(chr(int(part, 16)) for part in parts[1:])
    seconds.update(c for c in decomposed if unicodedata.normalize("NFKD", c)[0] in seconds)
    return frozenset(seconds)


def form_edits(form: str, text: str) -> Iterator[Edit]:
    """Edits that bring a text to NFC, NFD, NFKC or NFKD."""
    if text.isascii() or unicodedata.is_normalized(form, text):  # type: ignore[arg-type]
        return
    joining = joiners()
    for stretch in _STRETCH.finditer(text):
        start, stop = stretch.span()
        piece = start
        for at in range(start + 1, stop + 1):
            if at == stop or text[at] not in joining:
                old = text[piece:at]
                new = _normalize(form, old)
                if new != old:
                    yield trimmed(piece, old, new, (form,))
                piece = at


def _normalize(form: str, piece: str) -> str:
    """`unicodedata.normalize`, with long towers of marks sorted beforehand, which it does in quadratic time."""
    if len(piece) > _LONG:
        apart = "".join(unicodedata.normalize("NFKD" if "K" in form else "NFD", c) for c in piece)
        runs = groupby(apart, key=lambda c: unicodedata.combining(c) > 0)
        piece = "".join("".join(sorted(run, key=unicodedata.combining)) for _, run in runs)
    return unicodedata.normalize(form, piece)  # type: ignore[arg-type]


def trimmed(at: int, old: str, new: str, rules: tuple[str, ...]) -> Edit:
    """One edit without the ends that old and new have in common."""
    short = min(len(old), len(new))
    head = next((k for k in range(short) if old[k] != new[k]), short)
    tail = next((k for k in range(short - head) if old[-1 - k] != new[-1 - k]), short - head)
    return Edit(at + head, at + len(old) - tail, new[head : len(new) - tail], rules)
