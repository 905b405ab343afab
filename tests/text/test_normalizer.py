"""What every normalizer gets from its base: chains, comparison, scikit-learn's habits, columns."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import renorm
from renorm.core.errors import DataError, OptionError, OptionTypeError
from renorm.testing.checks_text import hostile
from renorm.text import Chain, Edit, GeezHomophones, TextNormalizer, UnicodeClean, chain


class Doubled(TextNormalizer):
    """Put each vowel twice, up to a number."""

    def __init__(self, *, vowels: str = "aeiou", limit: int = 1000) -> None:
        self.vowels = vowels
        self.limit = limit

    def edits(self, s: str) -> Iterator[Edit]:
        found = [i for i, c in enumerate(s) if c in self.vowels]
        for i in found[: self.limit]:
            yield Edit(i, i, s[i], ("double",))


class Upper(TextNormalizer):
    def edits(self, s: str) -> Iterator[Edit]:
        for i, c in enumerate(s):
            if c.upper() != c:
                yield Edit(i, i + 1, c.upper(), ("upper",))


def test_a_chain_is_its_steps_in_order() -> None:
    both = chain(Doubled(), Upper())
    assert both("banana") == "BAANAANAA"
    assert chain(Upper(), Doubled())("banana") == "BANANA"
    for s in hostile("chains", 300):
        three = chain(UnicodeClean(), GeezHomophones(), Upper())
        assert three(s) == Upper()(GeezHomophones()(UnicodeClean()(s)))
        told = three.explain(s)
        assert three.replay(s, told.edits) == told.output == three(s)


def test_a_chain_points_at_its_first_input_with_the_rules_of_all() -> None:
    told = chain(UnicodeClean(), GeezHomophones(), Doubled()).explain("\x00\x00ሠ caﬁe\u0301 ዓ")
    assert [(e.start, e.end, e.new, e.rules) for e in told.edits] == [
        (0, 2, "", ("remove_control_chars",)),
        (2, 3, "ሰ", ("homophone_s",)),
        (5, 5, "a", ("double",)),
        (6, 7, "fii", ("fix_latin_ligatures", "double")),
        (7, 9, "é", ("NFC",)),
        (10, 11, "አ", ("homophone_a",)),
    ]
    assert told.input_span(5, 8) == (6, 7)
    nested = chain(chain(UnicodeClean(), GeezHomophones()), Doubled())
    assert nested.explain(told.input).edits == told.edits


def test_a_chain_takes_normalizers_only() -> None:
    with pytest.raises(OptionError, match="at least one"):
        chain()
    with pytest.raises(OptionTypeError, match=r"Name\(\), not Name"):
        chain(UnicodeClean)  # type: ignore[arg-type]
    with pytest.raises(OptionTypeError, match="a list of text normalizers"):
        Chain(UnicodeClean())
    with pytest.raises(OptionTypeError, match="text normalizers"):
        chain(UnicodeClean(), str.lower)  # type: ignore[arg-type]


def test_merged_names_each_difference() -> None:
    same = chain(UnicodeClean(), GeezHomophones())
    a, b = "ሠላም cafe\u0301 ዓለም", "ሰላም café\x00 ኣለም"
    assert same.equal_up_to(a, b)
    assert [(a[m.a_start : m.a_end], b[m.b_start : m.b_end], m.rules) for m in same.merged(a, b)] == [
        ("ሠ", "ሰ", ("homophone_s",)),
        ("e\u0301", "é", ("NFC",)),
        ("", "\x00", ("remove_control_chars",)),
        ("ዓ", "ኣ", ("homophone_a",)),
    ]
    assert same.merged(a, a) == []
    with pytest.raises(DataError, match="equal when normalized"):
        same.merged("a", "b")


def test_scikit_learn_takes_them() -> None:
    for method in (GeezHomophones(families=["h"]), UnicodeClean(spaces="plain"), chain(Doubled(limit=2), Upper())):
        other = clone(method)
        assert repr(other) == repr(method)
        assert other("ሐ aei\xa0") == method("ሐ aei\xa0")
    words = ["ሠላም", "ሰላም", "ዓለም", "አለም"] * 3
    model = make_pipeline(GeezHomophones(), TfidfVectorizer(analyzer="char"), LogisticRegression())
    model.fit(words, [0, 0, 1, 1] * 3)
    assert model.predict(["ሰላም", "ኣለም"]).tolist() == [0, 1]
    assert GeezHomophones().fit_transform(["ሐ"]) == ["ሀ"]


def test_options_can_be_set_by_name() -> None:
    method = GeezHomophones()
    assert method.set_params(families=["s"]) is method
    assert method("ሐሠ") == "ሐሰ"
    assert repr(method) == "GeezHomophones(families=['s'])"
    with pytest.raises(OptionError, match="did you mean 'families'"):
        method.set_params(familys=["s"])
    with pytest.raises(OptionError, match="'x'"):
        method.set_params(families=["x"])


def test_they_are_in_the_catalog_with_their_cards() -> None:
    assert renorm.get("amharic_homophones") is GeezHomophones
    assert renorm.create("text.unicode_clean", normalization="NFKC")("³") == "3"
    assert GeezHomophones.card is not None
    assert GeezHomophones.card.key == "text.geez_homophones"
    assert "equal" in GeezHomophones.__doc__ and "training data" in GeezHomophones.card.avoid_when
    assert set(renorm.text.__all__) >= {"GeezHomophones", "UnicodeClean", "chain", "Edit", "TextNormalizer"}


# columns -------------------------------------------------------------------------------------------------------------


def test_jobs_and_batches_change_nothing() -> None:
    texts = [None, *hostile("jobs", 300)]
    want = UnicodeClean().transform(texts)
    assert UnicodeClean().transform(texts, jobs=2, batch=50) == want
    assert UnicodeClean().transform(texts, batch=1) == want
    with pytest.raises(OptionError, match="batch"):
        UnicodeClean().transform(texts, batch=0)


def test_a_value_that_repeats_is_normalized_once() -> None:
    seen = []

    class Counting(TextNormalizer):
        def edits(self, s: str) -> list[Edit]:
            seen.append(s)
            return []

    Counting().transform(["a", "b"] * 50)
    assert seen == ["a", "b"]


def test_numpy_strings_get_the_width_they_need() -> None:
    out = UnicodeClean().transform(np.array(["ﬃ", "a"]))
    assert out.tolist() == ["ffi", "a"]
    assert out.dtype == np.dtype("U3")
    flexible = np.array(["ﬃ", "a" * 50], dtype=np.dtypes.StringDType())
    assert UnicodeClean().transform(flexible).tolist() == ["ffi", "a" * 50]
    assert UnicodeClean().transform(flexible).dtype == flexible.dtype
    square = np.array([["ﬁ", None], [np.nan, "b"]], dtype=object)
    out = UnicodeClean().transform(square)
    assert out.shape == (2, 2)
    assert out[0].tolist() == ["fi", None]
    assert UnicodeClean().transform(np.array([], dtype="U5")).shape == (0,)


def test_categories_are_made_anew() -> None:
    """The old categories would turn new strings into missing values."""
    for column in (
        pd.Series(["ﬁ", "fi", None], dtype="category"),
        pl.Series(["ﬁ", "fi", None], dtype=pl.Enum(["ﬁ", "fi"])),
        pa.chunked_array([pa.array(["ﬁ", "fi", None]).dictionary_encode()]),
    ):
        out = UnicodeClean().transform(column)
        assert type(out) is type(column)
        assert [*out.to_pylist()] if isinstance(out, pa.ChunkedArray) else list(out)[:2] == ["fi", "fi"]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("one string", "on one string"),
        (pd.DataFrame({"a": ["b"]}), "one column"),
        ({"a": "b"}, "one column"),
        ((c for c in "ab"), "one column"),
        (np.arange(3), "dtype int64"),
        ([b"abc"], "bytes b'abc' in row 0. Hint: decode it first"),
        (["a", None, 7.5], "float 7.5 in row 2"),
        (pd.Series(["a", 3]), "int 3 in row 1"),
    ],
)
def test_what_is_no_column_of_strings_is_refused(bad: object, words: str) -> None:
    with pytest.raises(OptionTypeError, match=words):
        UnicodeClean().transform(bad)


def test_columns_of_other_types_are_refused() -> None:
    for column in (pl.Series([1, 2]), pd.Series([1.5, 2.0]), pa.array([1, 2])):
        with pytest.raises(DataError, match="cast it first"):
            UnicodeClean().transform(column)


def test_columns_of_nothing_stay() -> None:
    for column in (pl.Series("a", [None, None]), pd.Series([np.nan, np.nan]), pa.chunked_array([pa.nulls(2)])):
        out = UnicodeClean().transform(column)
        assert type(out) is type(column)
        assert len(out) == 2
    assert UnicodeClean().transform([None, float("nan"), pd.NA])[2] is pd.NA
    assert UnicodeClean().transform([]) == []


IMPORT = (
    "import renorm.text, sys; print([m for m in ('sklearn', 'narwhals', 'numpy', 'ftfy', 'joblib') if m in sys.modules])"
)


def test_importing_them_is_light() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
