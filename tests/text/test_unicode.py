"""The parts of unicode_clean: normalization forms piece by piece, and mojibake as edits."""

from __future__ import annotations

import unicodedata

import ftfy
import pytest

from renorm.testing import rng
from renorm.text import UnicodeClean, replay
from renorm.text._canonical import form_edits, joiners
from renorm.text._mojibake import align, repair

FORMS = ("NFC", "NFD", "NFKC", "NFKD")


@pytest.mark.parametrize("form", FORMS)
def test_pieces_make_the_whole(form: str) -> None:
    """Every code point after others that compose, reorder or do nothing: the pieces' forms are the whole's."""
    alike = [*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000), *range(0xAC80, 0xD700), *range(0x20000, 0x2F800)]
    others = [chr(code) for code in sorted(set(range(0x30000)) - set(alike))]
    for before in ("é\u0316", "ᄀ", "ｶ", "\u09c7"):
        for at in range(0, len(others), 500):
            text = "".join(before + c for c in others[at : at + 500])
            assert replay(text, form_edits(form, text)) == unicodedata.normalize(form, text), (before, others[at])


def test_nothing_above_the_planes_looked_at_joins() -> None:
    for code in range(0x30000, 0x110000):
        c = chr(code)
        assert not unicodedata.combining(c)
        assert not unicodedata.decomposition(c)


def test_an_ordinary_letter_is_no_joiner() -> None:
    found = joiners()
    assert {"\u0301", "\u0316", "\u1161", "\u11a8", "\u09be", "ﾞ"} <= found
    assert not found & set("aé가日Жﬁ½ſሀḁᇿ₁\u1176")
    assert all(c in found for c in map(chr, range(0x30000)) if unicodedata.combining(c))


@pytest.mark.parametrize("form", FORMS)
def test_long_towers_are_sorted_as_unicodedata_sorts_them(form: str) -> None:
    r = rng("towers")
    marks = [*map(chr, range(0x300, 0x370)), "\u0f71", "\u3099", "\u034f", "\u0344", "ﾞ", "\u1161"]
    for size in (1, 63, 64, 65, 300):
        for base in ("a", "ﾃ", "é", "가", "", "½"):
            text = base + "".join(r.choice(marks, size))
            assert replay(text, form_edits(form, text)) == unicodedata.normalize(form, text)


def test_edits_of_a_form_are_small() -> None:
    text = "plain é e\u0301 plain a\u0301\u0316\u0316 \u212b"
    assert [(text[e.start : e.end], e.new) for e in form_edits("NFC", text)] == [
        ("e\u0301", "é"),
        ("a\u0301", "á"),
        ("\u212b", "Å"),
    ]


WILD = [
    "âœ” fertig",
    "lâ€™Ã©tÃ©, dÃ©jÃ\xa0 vu",
    "MÃœNCHEN",
    "ã‚¢ãƒ‹ãƒ¡",
    "schÃ¶n é 日本",
    "ð\x9f\x91\x8d",
    "voilÃ le travail Ã la carte",
    "it isnÃƒÂ¢Ã¢â€šÂ¬Ã¢â€žÂ¢t",
    "âˆ\ufffd â€\ufffd",
    "Ð¿Ñ\x80Ð¸Ð²ÐµÑ‚",
    "ÐŸÐ¾Ñ‡ÐµÐ¼Ñƒ",
    "Äther, Ångström, Œuvre",
    "1/4Â â€“ 1/2",
    "tiáº¿ng Viá»‡t",
    "ä½\xa0å¥½ and é",
    "\x85 \x93quoted\x94 \x81",
    "Ã±a“—”Ã±",
    "í\xa0½í¸\x80 CESU-8",
    "Ã© with Java's NUL À\x80",
]


def test_mojibake_is_repaired_as_ftfy_repairs_it() -> None:
    codecs = ("latin-1", "sloppy-windows-1252", "sloppy-windows-1251", "sloppy-windows-1250", "macroman", "cp437")
    r = rng("mojibake")
    plain = ["naïve – “q”…", "日本語", "Привет", "ş é", " ", "ab ", "’"]
    texts = list(WILD)
    for _ in range(1500):
        text = "".join(r.choice(plain, int(r.integers(1, 6))))
        for _ in range(int(r.integers(1, 3))):
            codec = str(r.choice(codecs))
            text = text.encode("utf-8").decode(codec, "replace")
        if r.random() < 0.3:
            text = text.replace("\xa0", " ") + str(r.choice(plain))
        texts.append(text)
    changed = 0
    for text in texts:
        edits = repair(text)
        assert edits is not None
        want = ftfy.fix_encoding(text)
        assert replay(text, edits) == want, ascii(text)
        changed += text != want
        assert all(text[e.start : e.end] != e.new for e in edits)
    assert changed > len(texts) / 2


def test_repairs_are_local() -> None:
    text = "one Ã© two â€\ufffd three Ã la é"
    assert [(text[e.start : e.end], e.new) for e in repair(text) or ()] == [("Ã©", "é"), ("Ã", "à")]
    whole = "ã‚¢ãƒ‹ãƒ¡"
    assert [whole[e.start : e.end] for e in repair(whole) or ()] == ["ã‚¢", "ãƒ‹", "ãƒ¡"]


def test_alignment_leads_from_one_to_the_other() -> None:
    r = rng("align")
    for _ in range(500):
        a = "".join(r.choice(list("abc"), int(r.integers(0, 60))))
        at, out = int(r.integers(0, 60)), int(r.integers(0, 40))
        b = a[:at] + "".join(r.choice(list("abx"), int(r.integers(0, 40)))) + a[at + out :]
        assert replay(a, align(a, b)) == b
    assert [e[:3] for e in align("aaaa1bbbb", "aaaabbbb")] == [(4, 5, "")]
    assert [e[:3] for e in align("1" * 40 + "same", "2" * 50 + "same")] == [(0, 44, "2" * 50 + "same")]


def test_one_line_says_nothing_about_the_next() -> None:
    """ftfy's fix_text leaves entities alone in every line after the first that has a "<"."""
    lines = ["a &amp; b\n", "<br>\n", "&eacute;tÃ©\n", "&lt;\n"]
    clean = UnicodeClean()
    assert clean("".join(lines)) == "".join(clean(line) for line in lines) == "a & b\n<br>\nété\n<\n"
    assert ftfy.fix_text("".join(lines)) == "a & b\n<br>\n&eacute;té\n&lt;\n"
    assert clean("".join(lines[::-1])) == "".join(clean(line) for line in lines[::-1])


def test_a_million_marks_take_no_quadratic_time() -> None:
    text = "a" + "\u0301\u0316" * 100_000
    assert UnicodeClean()(text).startswith("á" + "\u0316" * 100)
