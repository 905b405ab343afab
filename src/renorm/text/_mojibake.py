"""One step of ftfy's mojibake repair at a time, as edits: its heuristics and tables, our spans and our bound on work.

ftfy repeats its steps until nothing changes, which on strings like ``"Ã" + "ƒ" * n`` takes n steps of n characters.
"""

from __future__ import annotations

import re

from ftfy import bad_codecs, chardata, fixes
from ftfy.badness import is_bad

from renorm.text._edits import Edit, compose, replay

RULE = ("fix_encoding",)
bad_codecs.ok()  # importing it registers the "sloppy" codecs

# one character of UTF-8 that is not ASCII, or of the variants CESU-8 and Java's NUL
_CHARACTER = re.compile(
    rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]|[\xc0-\xdf].|[\xe0-\xef]..|[\xf0-\xff]...", re.DOTALL
)


def repair(text: str, *, steps: int = 8, depth: int = 3) -> list[Edit] | None:
    """Undo layers of mojibake until none is left; None where `steps` do not get there. See `step` for `depth`."""
    out: list[Edit] = []
    now = text
    for _ in range(steps):
        more = step(now, depth=depth)
        if not more:
            return out
        out = compose(text, now, out, more)
        now = replay(now, more)
    return None


def step(text: str, *, depth: int = 3) -> list[Edit]:
    """Undo one layer of mojibake, where there is one.

    Parameters
    ----------
    text : str
    depth : int, default=3
        How deep to look for runs of mojibake within text that is not mojibake as a whole.
    """
    if text.isascii() or not is_bad(text):
        return []
    for encoding in chardata.CHARMAP_ENCODINGS:
        if chardata.possible_encoding(text, encoding):
            try:
                return _decoded(text, encoding)
            except UnicodeDecodeError:
                continue
    if depth and (edits := _embedded(text, depth)):
        return edits
    return [
        Edit(m.start(), m.end(), new, ("fix_c1_controls",))
        for m in chardata.C1_CONTROL_RE.finditer(text)
        if (new := fixes.fix_c1_controls(m.group())) != m.group()
    ]


def _decoded(text: str, encoding: str) -> list[Edit]:
    """Take the text as bytes of a one-byte encoding that were meant to be UTF-8."""
    raw = mended = text.encode(encoding)
    if encoding != "macroman" and chardata.ALTERED_UTF8_RE.search(raw):
        mended = fixes.restore_byte_a0(mended)
    if encoding.startswith("sloppy"):
        mended = fixes.replace_lossy_sequences(mended)
    codec = "utf-8-variants" if 0xED in mended or 0xC0 in mended else "utf-8"
    mended.decode(codec)  # raises where it is not UTF-8
    decode = [Edit(m.start(), m.end(), m.group().decode(codec), RULE) for m in _CHARACTER.finditer(mended)]
    if mended == raw:
        return decode
    before, after = raw.decode("latin-1"), mended.decode("latin-1")
    return compose(text, after, align(before, after), decode)  # bytes and characters of the text stand one to one


def _embedded(text: str, depth: int) -> list[Edit]:
    """Mend each run that looks like UTF-8 on its own; a few layers, so that work stays linear."""
    out: list[Edit] = []
    for match in chardata.UTF8_DETECTOR_RE.finditer(text):
        part = match.group()
        if len(part) < len(text):
            at = match.start()
            edits = repair(part, steps=5, depth=depth - 1) or ()
            out += (Edit(e.start + at, e.end + at, e.new, e.rules) for e in edits)
    return out


def align(a: str, b: str) -> list[Edit]:
    """Edits from a to b, local where the two agree again within 16 characters; linear in the length."""
    out: list[Edit] = []
    i = j = 0
    while i < len(a) or j < len(b):
        if a[i : i + 1] == b[j : j + 1]:
            i, j = i + 1, j + 1
            continue
        di, dj = _resume(a, b, i, j)
        out.append(Edit(i, i + di, b[j : j + dj], RULE))
        i, j = i + di, j + dj
    return out


def _resume(a: str, b: str, i: int, j: int) -> tuple[int, int]:
    """How far to skip on either side until four characters agree, or both end."""
    for total in range(1, 17):
        for di in range(total + 1):
            dj = total - di
            if i + di <= len(a) and j + dj <= len(b) and a[i + di : i + di + 4] == b[j + dj : j + dj + 4]:
                return di, dj
    return len(a) - i, len(b) - j
