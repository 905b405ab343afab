"""The battery of text normalizers.

An evidence file of a text method also holds ``MUST_CHANGE``, a list of (input, output), ``MUST_NOT_CHANGE``, a list of
inputs, and, where its card has not_laws, ``COUNTEREXAMPLES``: law -> an input that breaks it. ``GROWTH``, functions
from n to a text of about n characters, adds to the texts on which time must grow linearly.
"""

from __future__ import annotations

import copy
import os
import pickle
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from renorm.core.errors import RenormError
from renorm.testing import docstrings
from renorm.testing.battery import Subject, check
from renorm.testing.evidence import Case, rng

HOSTILE = int(os.environ.get("RENORM_HOSTILE", "2000"))

Array = np.ndarray[Any, Any]

_POOLS = (
    "abc xyz,.?!",
    " \t\u00a0\u2003\u3000\u200b",
    "\n\r\x0b\x0c\x85\u2028\u2029",
    "\x00\x01\x1b\x7f\ufeff\ufffc",
    "\u0301\u0316\u0327\u0345\u20dd\u0f71\u3099\u093c",
    "\u202a\u202e\u2066\u2069\u200f\u061c\u200d\ufe0f",
    "\ud800\udbff\udc00\udfff",
    "Ã©â€œ™¢Â\xa0\x80\x9d�ƒÐ¡Ñ",
    "&;#<>/amp01x",
    "([{}])⟨⟩",
    "ሀሃሐኀኻሠዐዓፀጸ",
    "가각각ㄱﾡﾃﾞＡ１",
    "éßﬁŉ³½Å“”‘’—…",
    "日本語 Привет नमस्ते 👩\u200d👩🏽 🇱🇹",
    "\U0010ffff\U000e0061\ufdd0\uffff",
)


def codes(text: str) -> Array:
    """Return a string as the array of its code points."""
    return np.array([ord(c) for c in text], dtype=np.int64)


def outputs(cls: Any, case: Case) -> dict[str, Array]:
    """What a normalizer shows on a case: its output, and its edits, as code points."""
    method = cls(**case.options)
    return {"y": codes(method(case.x)), "edits": edit_codes(method.edits(case.x))}


def edit_codes(edits: Iterable[Sequence[Any]]) -> Array:
    """Return edits as one array: start, end, the replacement's length and code points, and likewise the rules."""
    out: list[Array] = [np.zeros(0, dtype=np.int64)]
    for start, end, new, rules in edits:
        for text in (new, ",".join(rules)):
            out += (np.array([start, end, len(text)]), codes(text))
    return np.concatenate(out)


def hostile(name: str, count: int) -> list[str]:
    """Short strings made to break things: few pools a string, so that runs and towers happen; seeded by name."""
    r = rng(name)
    out = [""]
    while len(out) < count:
        pools = r.choice(len(_POOLS), size=r.integers(1, 4))
        size = int(r.integers(1, 40))
        text = "".join(
            _POOLS[p][i % len(_POOLS[p])] for p, i in zip(r.choice(pools, size), r.integers(0, 64, size), strict=True)
        )
        if r.random() < 0.1:  # any code point at all
            at = int(r.integers(0, size))
            text = text[:at] + chr(int(r.integers(0, 0x110000))) + text[at:]
        if r.random() < 0.1:  # UTF-8 read as something else
            text = text.encode("utf-8", "replace").decode("latin-1")
        out.append(text * int(r.integers(2, 30)) if r.random() < 0.05 else text)
    return out


GIANTS: dict[str, Callable[[int], str]] = {
    "one token": lambda n: "a" * n,
    "nested brackets": lambda n: "([{" * (n // 6) + "}])" * (n // 6),
    "one tower": lambda n: "e" + "\u0301\u0316" * (n // 2),
    "controls": lambda n: "\x00\x1b[" * (n // 3),
    "bidi": lambda n: "\u202e\u2067" * (n // 2),
    "surrogates": lambda n: "\ud800" * n,
    "carriage returns": lambda n: "\r" * n,
    "spaces": lambda n: " \u00a0" * (n // 2),
    "lines": lambda n: "e\u0301 Ã© &amp; “ሠ”\r\n" * (n // 17),
    "no separator": lambda n: "日本語ሐ가" * (n // 5),
}


def _corpus(subject: Subject) -> list[str]:
    """Every text that the evidence names, once."""
    module = subject.evidence
    pairs = getattr(module, "MUST_CHANGE", [])
    texts = [c.x for c in subject.cases()] + [a for a, _ in pairs] + list(getattr(module, "MUST_NOT_CHANGE", []))
    return list(dict.fromkeys(texts))


def _trials(subject: Subject, name: str, count: int) -> Iterator[tuple[Any, list[str]]]:
    """Each way to set the options, with texts: all of them for the default, a few for the others."""
    yield subject.cls(), _corpus(subject) + hostile(name, count)
    sets: list[dict[str, Any]] = [{}]
    for case in subject.cases():
        if dict(case.options) not in sets:
            sets.append(dict(case.options))
            yield subject.cls(**case.options), [case.x, *hostile(f"{name} {len(sets)}", 8)]


def _sound(method: Any, s: str, given: Any = None) -> tuple[list[Any], str]:
    """Edits and output of one text, having asserted that the edits are what edits must be."""
    edits = list(method.edits(s)) if given is None else given
    at = 0
    parts: list[str] = []
    for edit in edits:
        start, end, new, rules = edit
        assert at <= start <= end <= len(s), f"{method!r} on {s!r:.80}: {edit} is out of order or range after {at}"
        assert s[start:end] != new, f"{method!r} on {s!r:.80}: {edit} changes nothing"
        assert rules and all(isinstance(rule, str) and rule for rule in rules), f"{method!r}: {edit} names no rule"
        parts += (s[at:start], new)
        at = end
    return edits, "".join(parts) + s[at:]


# values


@check("text", quick=True)
def oracle(subject: Subject) -> None:
    """Output of every case (and its edits, where the oracle has them) equals the naive oracle's."""
    cases = subject.cases()
    assert cases, "no cases"
    for case in cases:
        got, want = outputs(subject.cls, case), subject.evidence.oracle(case)
        assert "y" in want, f"{case.id}: the oracle says nothing of y"
        for key, value in want.items():
            if not np.array_equal(got[key], value):
                method = subject.cls(**case.options)
                wanted = "".join(map(chr, value)) if key == "y" else f"other {key}"
                raise AssertionError(f"{case.id}: expected {wanted!a}, got\n{method.explain(case.x)}\n{method(case.x)!a}")


@check("text", quick=True)
def must_change(subject: Subject) -> None:
    """Every text that must change becomes what the evidence says, by default; there are some."""
    pairs = subject.evidence.MUST_CHANGE
    assert pairs, "MUST_CHANGE is empty"
    method = subject.cls()
    for text, want in pairs:
        assert text != want, f"{text!a} is no change"
        assert method(text) == want, f"{text!a} became {method(text)!a}, not {want!a}"


@check("text", quick=True)
def must_not_change(subject: Subject) -> None:
    """Every text that must stay stays, by default; there are some."""
    texts = subject.evidence.MUST_NOT_CHANGE
    assert any(texts), "MUST_NOT_CHANGE is empty"
    method = subject.cls()
    for text in texts:
        assert not list(method.edits(text)), f"changed what must stay:\n{method.explain(text)}"


# the protocol


@check("text", quick=True)
def edits_are_sound(subject: Subject) -> None:
    """Edits are sorted, in range, apart, change something and name a rule; call, explain and replay agree with them."""
    for method, texts in _trials(subject, "edits_are_sound", 40):
        for s in texts:
            edits, y = _sound(method, s)
            told = method.explain(s)
            assert method(s) == y, f"{method!r} on {s!r}: the call and its edits differ"
            assert method.replay(s, edits) == y, f"{method!r} on {s!r}: replaying gives something else"
            assert (told.input, told.output, list(told.edits)) == (s, y, edits), f"{method!r} on {s!r}: explain differs"
            assert type(told).from_dict(told.to_dict()).edits == told.edits, f"{method!r} on {s!r}: stored differently"


@check("text", quick=True)
def offsets(subject: Subject) -> None:
    """Positions map both ways without decreasing; unchanged characters go there and back, and spans cover their edits."""
    for method, texts in _trials(subject, "offsets", 40):
        for s in texts:
            told = method.explain(s)
            y = told.output
            back = [told.to_input(p) for p in range(len(y) + 1)]
            forth = [told.to_output(p) for p in range(len(s) + 1)]
            what = f"{method!r} on {s!r:.80}"
            assert back == sorted(back) and forth == sorted(forth), f"{what}: positions decrease"
            assert (back[-1], forth[-1]) == (len(s), len(y)), f"{what}: the ends do not meet"
            changed = {p for e in told.edits for p in range(e.start, e.end)}
            kept = [p for p in range(len(s)) if p not in changed]
            assert all(y[forth[p]] == s[p] and back[forth[p]] == p for p in kept), f"{what}: a kept character moved"
            for e in told.edits:
                a, b = told.output_span(e.start, e.end)
                assert e.start == e.end or y[a:b] == e.new, f"{what}: {e} became {y[a:b]!r}"
                if e.new and e.end > e.start:
                    assert told.input_span(a, b) == (e.start, e.end), f"{what}: {e} came from {told.input_span(a, b)}"


@check("text", quick=True)
def refuses_what_is_no_string(subject: Subject) -> None:
    """Anything but a str is an error of renorm that is also a TypeError, whichever way it comes in."""
    method = subject.cls()
    for bad in (b"abc", None, 5, ["abc"], np.array("abc")):
        for name in ("__call__", "edits", "explain"):
            error = _refusal(getattr(method, name), bad)
            assert isinstance(error, TypeError) and type(bad).__name__ in str(error), str(error)
    error = _refusal(method.transform, ["a", 5])
    assert isinstance(error, TypeError) and "row 1" in str(error), str(error)


def _refusal(call: Callable[[Any], Any], bad: Any) -> RenormError:
    try:
        call(bad)
    except RenormError as error:
        return error
    raise AssertionError(f"{call!r} took {bad!r}")


def total(method: Any, texts: Iterable[str]) -> None:
    """Assert that a normalizer takes every text, and the same way each time."""
    for s in texts:
        _, y = _sound(method, s)
        assert method(s) == y, f"{method!r} on {s!a:.200}: a second call differs"


@check("text")
def hostile_strings(subject: Subject) -> None:
    """Surrogates, bidi, towers, NUL, nested brackets, tokens of a million characters: every string is taken, soundly.

    ``RENORM_HOSTILE`` sets how many short ones there are.
    """
    total(subject.cls(), hostile("hostile_strings", HOSTILE))
    for method, texts in _trials(subject, "hostile_strings options", 0):
        total(method, texts)
    total(subject.cls(), (make(1_000_000 if name == "one token" else 30_000) for name, make in GIANTS.items()))


def _seconds(method: Any, text: str) -> float:
    """CPU time of one call: the best of three."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        method(text)
        best = min(best, time.process_time() - start)
        if best > 0.1:
            break
    return best


@check("text")
def linear_time(subject: Subject) -> None:
    """Eight times the text takes at most 24 times as long (64 were quadratic), on ordinary and on hostile texts."""
    method = subject.cls()
    method("e\u0301 ")  # what is built once
    plain = "".join(_corpus(subject)) + " "
    texts = [*GIANTS.values(), lambda n: (plain * (n // len(plain) + 1))[:n], *getattr(subject.evidence, "GROWTH", [])]
    for make in texts:
        small, large = make(2_500), make(20_000)
        for attempt in range(4):
            few, many = _seconds(method, small), _seconds(method, large)
            if many <= 24 * few + 0.002:
                break
            assert attempt < 3, f"{large[:20]!a}...: {few:.2g} s for {len(small)} characters, {many:.2g} s for {len(large)}"


# options and copies


@check("text", quick=True)
def options(subject: Subject) -> None:
    """Every option changes an output in some case; an unknown one is a TypeError; defaults are the documented ones."""
    for name, default in subject.cls().get_params().items():
        moved = False
        for case in subject.cases():
            if name in case.options and case.options[name] != default:
                base = Case(case.id, case.x, {k: v for k, v in case.options.items() if k != name})
                a, b = outputs(subject.cls, case)["y"], outputs(subject.cls, base)["y"]
                moved |= not np.array_equal(a, b)
        assert moved, f"option {name!r} changes nothing in any case"
    wrong = docstrings.wrong_defaults(subject.cls.__init__, subject.cls.__doc__)
    assert not wrong, "; ".join(wrong)
    try:
        subject.cls(no_such_option=1)
    except TypeError:
        return
    raise AssertionError("an unknown option was taken")


@check("text")
def copies(subject: Subject) -> None:
    """clone, pickle, deepcopy, set_params and fit give the same map."""
    from sklearn.base import clone

    for method, texts in _trials(subject, "copies", 20):
        want = [method(s) for s in texts]
        others = {
            "clone": clone(method),
            "pickle": pickle.loads(pickle.dumps(method)),  # noqa: S301
            "deepcopy": copy.deepcopy(method),
            "set_params": subject.cls().set_params(**method.get_params()),
            "fit": method.fit(texts) if subject.card.state == "none" else method,
        }
        for how, other in others.items():
            assert other.get_params() == method.get_params(), f"{how}: other options"
            assert [other(s) for s in texts] == want, f"{how}: another map"


@check("text")
def series(subject: Subject) -> None:
    """Lists, numpy, pandas, polars and arrow columns come back as they were, missing values in place, whatever the batch."""
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    method = subject.cls()
    texts = [s for s in _corpus(subject) if "\x00" not in s and s.isprintable()]
    texts = [s for s in texts for s in (s, s)] + ["", "plain"]
    want = [method(s) for s in texts]
    holes: list[Any] = [None, *texts, None]
    index = [3 * i + 5 for i in range(len(holes))]
    made = {
        "list": (holes, list),
        "tuple": (tuple(holes), list),
        "numpy object": (np.array(holes, dtype=object), np.ndarray.tolist),
        "pandas object": (pd.Series(holes, index=index, name="t", dtype=object), pd.Series.tolist),
        "pandas str": (pd.Series(holes, index=index, name="t", dtype="str"), pd.Series.tolist),
        "pandas string[pyarrow]": (pd.Series(holes, index=index, name="t", dtype="string[pyarrow]"), pd.Series.tolist),
        "pandas category": (pd.Series(holes, index=index, name="t", dtype="category"), pd.Series.tolist),
        "polars": (pl.Series("t", holes), pl.Series.to_list),
        "polars categorical": (pl.Series("t", holes, dtype=pl.Categorical), pl.Series.to_list),
        "arrow": (pa.array(holes), lambda a: a.to_pylist()),
        "arrow large": (pa.array(holes, type=pa.large_string()), lambda a: a.to_pylist()),
        "arrow chunks": (pa.chunked_array([holes[:2], holes[2:]], type=pa.string()), lambda a: a.to_pylist()),
    }
    for name, (column, values) in made.items():
        before = copy.deepcopy(column)
        out = method.transform(column, batch=3)
        assert type(out) is type(column), f"{name}: {type(out)} came back"
        got = values(out)
        assert len(got) == len(holes) and got[1:-1] == want, f"{name}: other strings, order or length"
        assert all(pd.isna(v) for v in (got[0], got[-1])), f"{name}: missing values were filled"
        assert values(before)[1:-1] == values(column)[1:-1], f"{name}: the caller's column was changed"
        kinds = [getattr(c, "dtype", getattr(c, "type", None)) for c in (column, out)]
        assert kinds[0] == kinds[1] or "category" in name, f"{name}: {kinds[0]} became {kinds[1]}"
        if name.startswith("pandas"):
            assert list(out.index) == index and out.name == "t", name
        assert not name.startswith("polars") or out.name == "t", name
    wide = np.array(texts).reshape(2, -1)
    assert method.transform(wide).tolist() == np.array(want).reshape(2, -1).tolist(), "numpy str"


# laws: `holds` says whether the card claims it


def _law(subject: Subject, law: str, holds: bool, breaks: Callable[[Any, str], bool]) -> None:
    method = subject.cls()
    if not holds:
        found = subject.evidence.COUNTEREXAMPLES[law]
        assert breaks(method, found), f"{law} is declared not to hold, but {found!a} does not break it"
        return
    for s in [*_corpus(subject), *hostile(law, 400)]:
        assert not breaks(method, s), f"{law} broken on {s!a}:\n{method.explain(s)}"


@check("text", law="idempotent", quick=True)
def idempotent(subject: Subject, holds: bool) -> None:
    """What is normalized stays as it is."""
    _law(subject, "idempotent", holds, lambda method, s: method(method(s)) != method(s))


@check("text", law="length_preserving", quick=True)
def length_preserving(subject: Subject, holds: bool) -> None:
    """The output is as long as the input."""
    _law(subject, "length_preserving", holds, lambda method, s: len(method(s)) != len(s))


@check("text", law="segmentwise", quick=True)
def segmentwise(subject: Subject, holds: bool) -> None:
    """Lines, each with its LF, normalized one by one, are the whole normalized: no line depends on another."""

    def breaks(method: Any, s: str) -> bool:
        whole = s + "\n" + "<é> &amp; Ã©\n" + s
        return "".join(method(line) for line in re.findall(r"[^\n]*\n|[^\n]+", whole)) != method(whole)

    _law(subject, "segmentwise", holds, breaks)
