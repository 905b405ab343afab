"""Evidence for text.unicode_clean: ftfy itself, line by line, and the options it does not have by naive loops."""

import re
import unicodedata

import ftfy
import ftfy.fixes
import pytest

import renorm
from renorm.core.errors import OptionError
from renorm.testing import Case, rng
from renorm.testing.checks_text import codes

METHOD = "text.unicode_clean"
FTFY = ["unescape_html", "fix_encoding", "fix_latin_ligatures", "fix_character_width", "uncurl_quotes", "fix_surrogates"]
FTFY += ["remove_terminal_escapes", "remove_control_chars", "normalization"]
SPACES = [c for c in map(chr, range(0x21, 0x10000)) if unicodedata.category(c) == "Zs"]
INVISIBLE = [chr(c) for c in (0xAD, 0x61C, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065))]
INVISIBLE += [chr(c) for c in range(0x2066, 0x206A)]
TEXT = (
    "caf\xc3\xa9 e\u0301 \u201cﬁne ŉ\u201d \u2018x\u2019 Ｌ　ﾃﾞ &eacute;&hearts; 10³ \x1b[31mred\x1b[0m\x00\x0b "
    "\x85 \x81 \r\n<b> &eacute; â\x80\x9c double: Ã\x83Â© \ud83d\ude00 \ud800 ᄀ\u1161\u11a8\u2028 \u2029\u00a0\u2003 \t x "
    "\u00ad\u200b\r\r\n\u202e one\rtwo &#10; &amp;lt; fÃ¼r é 日本 ’tis voilÃ le Ã la  \n\ufeff\u206a\ufffc  "
)
MUST_CHANGE = [
    ("The cafÃ© is cheap", "The café is cheap"),
    ("voilÃ le travail", "voilà le travail"),
    ("â€œ like this â€\ufffd", '" like this \ufffd'),
    ("Ãƒâ€šÃ‚Â© twice and more", "© twice and more"),
    ("naÃ¯ve 日", "naïve 日"),
    ("&am\x00p;lt;", "<"),
    ("&" + "amp;" * 5 + "lt;", "<"),
    ("a\r\r\nb\r\n", "a\nb\n"),
    ("e" + "\u0301\u0316" * 60, "é" + "\u0316" * 60 + "\u0301" * 59),
]
MUST_NOT_CHANGE = [
    "Ångström, naïve, façade, Größe, ça va, øre, ñandú",
    "ÅÄÖ, â and Ã; l'été à Münster",
    "<p>&eacute;</p>",
    "AT&T; R&D &nosuch; &#10; & amp;",
    "日本語 한국어 ภาษาไทย עברית नमस्ते 👩\u200d👩\u200d👧 🇱🇹",
    "tab\there, lone\rreturn, soft\u00adhyphen\n\n",
    "10³ ½ ℡ Ⅷ",
    "",
]
COUNTEREXAMPLES = {"length_preserving": "ﬁ"}
GROWTH = [
    lambda n: "&" + "amp;" * (n // 4),
    lambda n: "Ã" + "ƒ" * n + "©",
    lambda n: "Â" * n + "©",
    lambda n: "Ã©é日" * (n // 4),
]


def cases():
    r = rng("unicode_clean")
    pool = [*"aé “’…&;lt#<ﬁＦｶﾞ日Ж\x80\x93\x9d\xa0\x00\x1b\r\n\ud83d\ude00e\u0301\u0316ÃÂâ€™œ", "&amp;", "Ã©", "\x1b[1m"]
    options = [{}, *({name: False} for name in FTFY[:-1])]
    options += [{"unescape_html": True}, {"normalization": "NFKC"}, {"normalization": None}, {"remove_invisible": True}]
    options += [{"spaces": "plain"}, {"spaces": "squeeze"}, {"line_breaks": "all"}, {"line_breaks": "keep"}]
    options += [{"line_breaks": "all", "fix_encoding": False}, {"spaces": "squeeze", "line_breaks": "keep"}]
    off = {name: None if name == "normalization" else False for name in FTFY}
    options += [{"spaces": "squeeze", "line_breaks": "all"}, {**off, "line_breaks": "keep"}]
    blanks = Case("every space", "a".join(SPACES), {**off, "spaces": "plain"})
    unseen = Case("all that is invisible", "a".join(INVISIBLE), {"remove_invisible": True})
    random = ["".join(r.choice(pool, int(r.integers(3, 25)))) for _ in range(40)]
    named = [Case(f"{o or 'default'}", TEXT, o) for o in options]
    return [*named, blanks, unseen, *(Case(f"random {i}", s) for i, s in enumerate(random))]


def clean_line(line, options):
    """ftfy until nothing changes, with what it has no option for between its rounds."""
    known = {name: options[name] for name in FTFY if name in options}
    html = options.get("unescape_html", "auto")
    known["unescape_html"] = "<" not in line if html == "auto" else html
    known["fix_c1_controls"] = options.get("fix_encoding", True)
    config = ftfy.TextFixerConfig(**known, fix_line_breaks=False)
    breaks, spaces = options.get("line_breaks", "crlf"), options.get("spaces", "keep")
    text, before = line.replace("&#10;", "\ue001"), None  # decoded, it would add a line
    while text != before:
        before = text
        text = ftfy.fix_and_explain(text, config).text
        if breaks == "crlf":
            text = re.sub("\r+\n", "\n", text)
        elif breaks == "all":
            text = ftfy.fixes.fix_line_breaks(text)
        if spaces != "keep":
            text = "".join(" " if c in SPACES else c for c in text)
        if spaces == "squeeze":
            parts = [" ".join(part.replace("\t", " ").split(" ")).split(" ") for part in re.split("([\r\n])", text)]
            text = "".join(" ".join(word for word in part if word) for part in parts)
        if options.get("remove_invisible", False):
            text = "".join(c for c in text if c not in INVISIBLE)
    return text.replace("\ue001", "&#10;")


def oracle(case):
    lines = [line + "\n" for line in case.x.split("\n")]
    return {
        "y": codes("".join(clean_line(line, case.options) for line in lines[:-1]) + clean_line(lines[-1][:-1], case.options))
    }


# options, a text, its edits
RULES = [
    ({}, "aÃ©b", [(1, 3, "é", "fix_encoding")]),
    ({}, "naÃ¯ve é 日 Ãƒâ€°", [(2, 4, "ï", "fix_encoding"), (11, 16, "É", "fix_encoding")]),
    ({}, "voilÃ le travail", [(4, 5, "à", "fix_encoding")]),
    ({}, "x \x85", [(2, 3, "…", "fix_c1_controls")]),
    ({}, "a &lt;&#10;", [(2, 6, "<", "unescape_html")]),
    ({}, "a\x1b[1mb\r\n", [(1, 5, "", "remove_terminal_escapes"), (6, 8, "\n", "crlf")]),
    ({"line_breaks": "all"}, "a\r\nb\u2028", [(1, 3, "\n", "line_breaks"), (4, 5, "\n", "line_breaks")]),
    ({}, "\ud83d\ude00\ud800", [(0, 2, "\U0001f600", "fix_surrogates"), (2, 3, "\ufffd", "fix_surrogates")]),
    ({}, "ﬁＡ“", [(0, 1, "fi", "fix_latin_ligatures"), (1, 2, "A", "fix_character_width"), (2, 3, '"', "uncurl_quotes")]),
    ({}, "a\x00\x01b", [(1, 3, "", "remove_control_chars")]),
    ({"remove_invisible": True}, "a\u200b\u202eb", [(1, 3, "", "remove_invisible")]),
    ({"spaces": "plain"}, "a\xa0b", [(1, 2, " ", "plain_spaces")]),
    (
        {"spaces": "squeeze"},
        " a\t b c ",
        [(0, 1, "", "squeeze_spaces"), (2, 4, " ", "squeeze_spaces"), (7, 8, "", "squeeze_spaces")],
    ),
    ({}, "x e\u0301\u0316 y", [(2, 4, "é", "NFC")]),
    ({"normalization": "NFKC"}, "10³", [(2, 3, "3", "NFKC")]),
    ({}, "é &eacute; ﾃﾞ", [(2, 10, "é", "unescape_html"), (11, 13, "デ", "fix_character_width,NFC")]),
]


def test_every_change_has_its_span_and_its_rules():
    for options, text, want in RULES:
        got = renorm.get(METHOD)(**options).edits(text)
        assert [(*e[:3], ",".join(e.rules)) for e in got] == want, (options, text)


def test_lines_are_kept_and_depend_on_nothing_else():
    """ftfy's fix_text leaves the entity of the second line as it is."""
    text = "<b>\n&eacute; Ã©\n&#10;\r\n\r"
    assert renorm.get(METHOD)()(text) == "<b>\né é\n&#10;\n\r"


def test_what_does_not_settle_is_left_alone():
    deep = "&" + "amp;" * 7
    assert renorm.get(METHOD)()(deep[:-4] + "\x00") == "&"
    assert renorm.get(METHOD)()(deep + "amp;\x00\nÃ©") == deep + "amp;\x00\né"
    assert renorm.get(METHOD)()("Â" * 20 + "©\x00") == "Â" * 20 + "©\x00"


def test_options_are_checked():
    for options in ({"normalization": "NFX"}, {"spaces": True}, {"fix_encoding": "auto"}, {"unescape_html": None}):
        with pytest.raises(OptionError, match=rf"UnicodeClean\({next(iter(options))}\)"):
            renorm.get(METHOD)(**options)
