"""Evidence for text.geez_homophones: the classes by code point arithmetic, and nothing else over all Ethiopic blocks."""

import itertools
import unicodedata

import pytest

import renorm
from renorm.core.errors import OptionError, OptionTypeError
from renorm.testing import Case, rng
from renorm.testing.checks_text import codes, edit_codes

METHOD = "text.geez_homophones"
# family -> first letters of its rows in Unicode order, the canonical one first; and which orders a row has
ROWS = {
    "h": ((0x1200, range(7)), (0x1210, range(7)), (0x1280, range(7)), (0x12B8, range(1, 7))),
    "s": ((0x1230, range(8)), (0x1220, range(8))),
    "a": ((0x12A0, range(7)), (0x12D0, range(7))),
    "ts": ((0x1338, range(7)), (0x1340, range(7))),
}
BLOCKS = ((0x1200, 0x137F), (0x1380, 0x139F), (0x2D80, 0x2DDF), (0xAB00, 0xAB2F), (0x1E7E0, 0x1E7FF))

MUST_CHANGE = [
    ("ሠላም ለዓለም", "ሰላም ለአለም"),
    ("ፀሐይ ወጣች", "ጸሀይ ወጣች"),
    ("ኃይለ ሥላሴ", "ሀይለ ስላሴ"),
    ("ዐይን ኣይን ዓይን አይን", "አይን አይን አይን አይን"),
    ("ኅብረት ኽብረት ሕብረት ህብረት", "ህብረት ህብረት ህብረት ህብረት"),
    ("ሑሒሔሖ ኁኂኄኆ ኹኺኼኾ", "ሁሂሄሆ ሁሂሄሆ ሁሂሄሆ"),
    ("ሡሢሣሤሦሧ ዑዒዔዕዖ ፁፂፃፄፅፆ", "ሱሲሳሴሶሷ ኡኢኤእኦ ጹጺጻጼጽጾ"),
]
MUST_NOT_CHANGE = ["ሰላም አለም", "ሀገር ህዝብ ጸጋ", "ኸ ሗ ኋ ዅ ቊ ኵ ኧ ጿ ፇ ሇ", "ሼ ሸ ዴ ደ ጄ ጀ ው ዉ", "plain text, Ã© <b> e\u0301", ""]


def cases():
    r = rng("geez_homophones")
    letters = [chr(c) for low, high in BLOCKS for c in range(low, high + 1)]
    whole = "".join(letters)
    mixed = "".join(r.choice([*letters, " ", "a", "\n", "\ud800"], 400))
    sets = [[name] for name in ROWS] + [("s", "a"), ["ts", "h", "s"]]
    return [Case("every letter", whole), Case("mixed", mixed)] + [
        Case("-".join(names), whole + mixed, {"families": names}) for names in sets
    ]


def homophone(c, families):
    """The letter that stands for c, and its family."""
    for family in families:
        for row, orders in ROWS[family]:
            order = ord(c) - row
            if order in orders:
                first_for_fourth = family in ("h", "a") and order == 3
                return chr(ROWS[family][0][0] + (0 if first_for_fourth else order)), family
    return c, ""


def oracle(case):
    families = case.options.get("families", list(ROWS))
    found = [homophone(c, families) for c in case.x]
    edits = [
        (i, i + 1, new, (f"homophone_{f}",)) for i, (c, (new, f)) in enumerate(zip(case.x, found, strict=True)) if c != new
    ]
    return {"y": codes("".join(new for new, _ in found)), "edits": edit_codes(edits)}


def test_two_letters_are_merged_if_and_only_if_they_are_homophones():
    """All pairs over the Ethiopic blocks."""
    same = renorm.get(METHOD)()
    letters = [chr(c) for low, high in BLOCKS for c in range(low, high + 1)]
    image = {c: same(c) for c in letters}
    merged = {(a, b) for a, b in itertools.combinations(letters, 2) if image[a] == image[b]}
    want = {(a, b) for a, b in itertools.combinations(letters, 2) if homophone(a, ROWS)[0] == homophone(b, ROWS)[0]}
    assert merged == want
    assert len({c for pair in merged for c in pair}) == 71
    assert len(merged) == 21 + 5 * 6 + 8 + 6 + 5 + 7


def test_letters_of_a_class_have_the_same_vowel():
    """By their Unicode names: families h and a also take the first order for the fourth."""
    for c in map(chr, range(0x1200, 0x1380)):
        new = renorm.get(METHOD)()(c)
        if new != c:
            vowel, other = (unicodedata.name(x).split()[-1][-1] for x in (c, new))
            assert vowel == other or (vowel, other) == ("A", "A"), (c, new)


def test_it_compares_without_rewriting():
    same = renorm.get(METHOD)()
    assert same.equal_up_to("ሠላም ዓለም", "ሰላም አለም")
    assert not same.equal_up_to("ሰላም", "ሸላም")
    assert not renorm.get(METHOD)(families=("h",)).equal_up_to("ሠላም", "ሰላም")
    first, second = same.merged("ሠላም ዓለም", "ሰላም አለም")
    assert (first.a_start, first.a_end, first.rules) == (0, 1, ("homophone_s",))
    assert (second.b_start, second.b_end, second.rules) == (4, 5, ("homophone_a",))


def test_families_are_checked():
    cls = renorm.get(METHOD)
    for bad, error, hint in (
        ("ts", OptionTypeError, "list"),
        (["tz"], OptionError, "known names: a, h"),
        ([], OptionError, "none"),
    ):
        with pytest.raises(error, match=hint):
            cls(families=bad)
