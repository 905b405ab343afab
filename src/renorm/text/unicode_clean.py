"""Unicode clean-up: mojibake, entities, controls, widths, quotes, spaces and NFC, each change an edit with its rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from ftfy import chardata, fixes

from renorm.core.card import Card
from renorm.core.errors import OptionError
from renorm.text import _mojibake
from renorm.text._base import Edit, TextNormalizer, replay
from renorm.text._canonical import form_edits
from renorm.text._edits import compose

CARD = Card(
    name="unicode_clean",
    kind="text",
    normalizes="strings",
    statistic="broken and compatible encodings of the same text",
    axes="per line",
    paper="Speer, ftfy (version 6), 2019, doi:10.5281/zenodo.2591652; Unicode Standard Annex 15",
    fidelity="vectors",
    aliases=("UnicodeClean",),
    laws=("idempotent", "segmentwise"),
    not_laws=("length_preserving",),
    requires=("ftfy",),
    cost="a few passes, O(n)",
    deviates="every line is cleaned alone, so that no line depends on the ones before; the number of lines is kept unless "
    "line_breaks='all'; a line that does not settle in 8 rounds (mojibake or entities nested deeper) is left as it is",
    use_when="text from many sources is compared, counted or fed to a model, and each change must be accounted for",
    avoid_when="the text is source code, markup or already known to be clean; curly quotes or ligatures are wanted "
    "(switch their options off)",
)

_ROUNDS = 8


class UnicodeClean(TextNormalizer):
    r"""ftfy's repairs and a Unicode normalization form, line by line, until nothing changes.

    Parameters
    ----------
    normalization : {"NFC", "NFKC", None}, default="NFC"
        As ftfy. NFKC also folds compatible characters ("10³" becomes "103").
    fix_encoding : bool, default=True
        Undo mojibake: UTF-8 read as a one-byte encoding, and C1 controls that are Windows-1252.
    unescape_html : {"auto", True, False}, default="auto"
        Decode entities; ``"auto"`` leaves lines with a ``<`` alone. A line break is never decoded.
    fix_latin_ligatures, fix_character_width, uncurl_quotes : bool, default=True
        Latin ligatures to letters, full and half width to the usual width, curly quotes to straight ones.
    fix_surrogates : bool, default=True
        Pairs to their character, lone ones to U+FFFD.
    remove_terminal_escapes, remove_control_chars : bool, default=True
        ANSI colour codes; controls that show nothing.
    remove_invisible : bool, default=False
        Zero-width characters, soft hyphens and bidi controls. Off, because emoji and many scripts need them.
    spaces : {"keep", "plain", "squeeze"}, default="keep"
        ``"plain"``: each Unicode space to U+0020; ``"squeeze"``: runs of spaces and tabs to one, none at a line's ends.
    line_breaks : {"crlf", "all", "keep"}, default="crlf"
        ``"crlf"``: CR LF to LF; ``"all"``: also lone CR, NEL, U+2028 and U+2029, as ftfy does, which adds lines.

    Raises
    ------
    OptionError
        For a value outside these.

    Notes
    -----
    The options that ftfy has too bear its names and defaults, and so do the rules of the edits. Where ftfy
    turns entities off for all lines after the first ``<``, here a line's result depends on that line alone.
    Time is linear: nested repairs are bounded, and towers of combining marks are sorted before `unicodedata`,
    which would take quadratic time, gets them.

    References
    ----------
    R. Speer, "ftfy" (version 6), 2019, doi:10.5281/zenodo.2591652. "Unicode Normalization Forms", Unicode
    Standard Annex 15.

    Examples
    --------
    >>> from renorm.text import UnicodeClean
    >>> clean = UnicodeClean()
    >>> print(clean.explain("The cafÃ© \u201cﬁne\u201d\x00"))
    UnicodeClean(): 5 edits, 16 -> 15 characters
      [7:9] 'Ã©' -> 'é' (fix_encoding)
      [10:11] '“' -> '"' (uncurl_quotes)
      [11:12] 'ﬁ' -> 'fi' (fix_latin_ligatures)
      [14:15] '”' -> '"' (uncurl_quotes)
      [15:16] '\x00' -> '' (remove_control_chars)
    >>> UnicodeClean(normalization="NFKC", spaces="squeeze")("  10³\u2009km ")
    '103 km'
    """

    def __init__(
        self,
        *,
        normalization: str | None = "NFC",
        fix_encoding: bool = True,
        unescape_html: str | bool = "auto",
        fix_latin_ligatures: bool = True,
        fix_character_width: bool = True,
        uncurl_quotes: bool = True,
        fix_surrogates: bool = True,
        remove_terminal_escapes: bool = True,
        remove_control_chars: bool = True,
        remove_invisible: bool = False,
        spaces: str = "keep",
        line_breaks: str = "crlf",
    ) -> None:
        self.normalization = normalization
        self.fix_encoding = fix_encoding
        self.unescape_html = unescape_html
        self.fix_latin_ligatures = fix_latin_ligatures
        self.fix_character_width = fix_character_width
        self.uncurl_quotes = uncurl_quotes
        self.fix_surrogates = fix_surrogates
        self.remove_terminal_escapes = remove_terminal_escapes
        self.remove_control_chars = remove_control_chars
        self.remove_invisible = remove_invisible
        self.spaces = spaces
        self.line_breaks = line_breaks
        for name, value in self.get_params().items():
            choices = _CHOICES.get(name, (True, False))
            if value not in choices:
                raise OptionError(f"UnicodeClean({name})", expected=f"one of {choices}", got=repr(value))
        wanted = [row for row in _PATTERNS if getattr(self, row[1]) == row[2]]
        starts = "".join(start for *_, start, _ in wanted)  # one look at the first character, before the alternatives
        rules = "|".join(f"(?P<{rule}>{pattern})" for rule, *_, pattern in wanted)
        self._find = re.compile(f"(?=[{starts}])(?:{rules})" if wanted else "(?!)")

    def edits(self, s: str) -> Iterator[Edit]:
        """Edits of each line; a rule is named like the option that asks for it, its value, or ftfy's step."""
        for line in re.finditer(r"[^\n]*\n|[^\n]+", s):
            at = line.start()
            for edit in self._settled(line.group()):
                yield Edit(edit.start + at, edit.end + at, edit.new, edit.rules)

    def _settled(self, line: str) -> list[Edit]:
        """Repeat the stages until nothing changes."""
        html = "<" not in line if self.unescape_html == "auto" else self.unescape_html
        stages = (_entities if html else _nothing, self._encoding, self._characters, self._form)
        edits: list[Edit] = []
        text = line
        for _ in range(_ROUNDS):
            before = text
            for stage in stages:
                found = stage(text)
                if found is None:
                    return []
                more = list(found)
                edits = compose(line, text, edits, more)
                text = replay(text, more)
            if text == before:
                return edits
        return []

    def _encoding(self, text: str) -> Iterable[Edit] | None:
        return _mojibake.repair(text) if self.fix_encoding else ()

    def _characters(self, text: str) -> Iterator[Edit]:
        for found in self._find.finditer(text):
            rule = str(found.lastgroup)
            new = _REPLACE[rule](found)
            if new != found.group():
                yield Edit(found.start(), found.end(), new, (rule,))

    def _form(self, text: str) -> Iterable[Edit]:
        return form_edits(self.normalization, text) if self.normalization else ()


def _nothing(text: str) -> Iterable[Edit]:
    return ()


def _entities(text: str) -> Iterator[Edit]:
    for found in chardata.HTML_ENTITY_RE.finditer(text):
        new = fixes.unescape_html(found.group())
        if new != found.group() and "\n" not in new:
            yield Edit(found.start(), found.end(), new, ("unescape_html",))


def _one_space(found: re.Match[str]) -> str:
    """One space, or none at either end of a line."""
    text, start, end = found.string, found.start(), found.end()
    inside = start > 0 and text[start - 1] != "\n" and text[end : end + 1] not in ("", "\n", "\r")
    return " " if inside else ""


def _body(codes: Iterable[int]) -> str:
    return "".join(re.escape(chr(code)) for code in codes)


_SPACES = "\xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
_INVISIBLE = "\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069"
_LIGATURES, _WIDTHS, _CONTROLS = (_body(t) for t in (chardata.LIGATURES, chardata.WIDTH_MAP, chardata.CONTROL_CHARS))
_QUOTES = chardata.DOUBLE_QUOTE_RE.pattern.strip("[]") + chardata.SINGLE_QUOTE_RE.pattern.strip("[]")

# rule, the option and the value of it that ask for it, the characters it can start with, what to look for
_PATTERNS: tuple[tuple[str, str, object, str, str], ...] = (
    ("remove_terminal_escapes", "remove_terminal_escapes", True, "\x1b", fixes.ANSI_RE.pattern),
    ("crlf", "line_breaks", "crlf", "\r", r"(?<!\r)\r+\n"),
    ("line_breaks", "line_breaks", "all", "\r\x85\u2028\u2029", "\r\n|[\r\x85\u2028\u2029]"),
    ("fix_surrogates", "fix_surrogates", True, "\ud800-\udfff", "[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]"),
    ("fix_latin_ligatures", "fix_latin_ligatures", True, _LIGATURES, f"[{_LIGATURES}]"),
    ("plain_spaces", "spaces", "plain", _SPACES, f"[{_SPACES}]"),
    ("squeeze_spaces", "spaces", "squeeze", f" \t{_SPACES}", f"[ \t{_SPACES}]+"),
    ("fix_character_width", "fix_character_width", True, _WIDTHS, f"[{_WIDTHS}]"),
    ("uncurl_quotes", "uncurl_quotes", True, _QUOTES, f"[{_QUOTES}]"),
    ("remove_control_chars", "remove_control_chars", True, _CONTROLS, f"[{_CONTROLS}]+"),
    ("remove_invisible", "remove_invisible", True, _INVISIBLE, f"[{_INVISIBLE}]+"),
)

_REPLACE: dict[str, Callable[[re.Match[str]], str]] = {
    "remove_terminal_escapes": lambda found: "",
    "crlf": lambda found: "\n",
    "line_breaks": lambda found: "\n",
    "fix_surrogates": lambda found: fixes.fix_surrogates(found.group()),
    "fix_latin_ligatures": lambda found: fixes.fix_latin_ligatures(found.group()),
    "plain_spaces": lambda found: " ",
    "squeeze_spaces": _one_space,
    "fix_character_width": lambda found: fixes.fix_character_width(found.group()),
    "uncurl_quotes": lambda found: fixes.uncurl_quotes(found.group()),
    "remove_control_chars": lambda found: "",
    "remove_invisible": lambda found: "",
}

_CHOICES: dict[str, tuple[object, ...]] = {
    "normalization": ("NFC", "NFKC", None),
    "unescape_html": ("auto", True, False),
    "spaces": ("keep", "plain", "squeeze"),
    "line_breaks": ("crlf", "all", "keep"),
}
