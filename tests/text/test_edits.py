"""Edits: replaying, composing, locating and explaining them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renorm.core.errors import DataError
from renorm.testing import rng
from renorm.text import Edit, Explanation, replay
from renorm.text._edits import compose, differences


@st.composite
def edits_of(draw: st.DrawFn, text: str, rule: str) -> list[Edit]:
    """Sorted, disjoint edits of a text, empty spans and touching ones among them, each changing something."""
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    out = []
    for start, end in zip(cuts[::2], cuts[1::2], strict=False):
        new = draw(st.text("abXY", max_size=3))
        if new != text[start:end]:
            out.append(Edit(start, end, new, (rule,)))
    return out


@st.composite
def two_lists(draw: st.DrawFn) -> tuple[str, list[Edit], list[Edit]]:
    s = draw(st.text("abcd", max_size=12))
    first = draw(edits_of(s, "one"))
    return s, first, draw(edits_of(replay(s, first), "two"))


def assert_sound(s: str, edits: list[Edit]) -> None:
    at = 0
    for edit in edits:
        assert at <= edit.start <= edit.end <= len(s)
        assert s[edit.start : edit.end] != edit.new
        at = edit.end


@given(two_lists())
def test_composed_edits_are_both_one_after_the_other(case: tuple[str, list[Edit], list[Edit]]) -> None:
    s, first, second = case
    t = replay(s, first)
    both = compose(s, t, first, second)
    assert_sound(s, both)
    assert replay(s, both) == replay(t, second)
    assert {rule for e in both for rule in e.rules} <= {e.rules[0] for e in first + second}


@given(two_lists())
def test_only_what_overlaps_becomes_one_edit(case: tuple[str, list[Edit], list[Edit]]) -> None:
    """An edit of the second list that touches no replacement keeps its own text and rule."""
    s, first, second = case
    t = replay(s, first)
    both = compose(s, t, first, second)
    told = Explanation(s, t, tuple(first))
    kept = {told.to_output(p) for p in range(len(s)) if not any(e.start <= p < e.end for e in first)}
    for e in second:
        inside = set(range(e.start, e.end))
        around = any(told.output_span(x.start, x.end)[0] in inside - {e.start} for x in first if not x.new)
        if inside and inside <= kept and not around:
            at = told.to_input(e.start)
            assert Edit(at, at + e.end - e.start, e.new, ("two",)) in both


def test_edits_that_undo_each_other_are_gone() -> None:
    assert compose("abc", "aXc", [Edit(1, 2, "X", ("one",))], [Edit(1, 2, "b", ("two",))]) == []
    longer = [Edit(0, 1, "XX", ("one",)), Edit(2, 3, "Y", ("one",))]
    assert compose("abcd", "XXbYd", longer, [Edit(3, 4, "c", ("two",))]) == longer[:1]
    both = compose("abc", "aXYc", [Edit(1, 2, "XY", ("one",))], [Edit(0, 2, "", ("two",)), Edit(3, 3, "!", ("two",))])
    assert both == [Edit(0, 2, "Y", ("one", "two")), Edit(2, 2, "!", ("two",))]


@given(two_lists())
def test_positions_go_both_ways(case: tuple[str, list[Edit], list[Edit]]) -> None:
    s, edits, _ = case
    told = Explanation(s, replay(s, edits), tuple(edits))
    back = [told.to_input(p) for p in range(len(told.output) + 1)]
    forth = [told.to_output(p) for p in range(len(s) + 1)]
    assert back == sorted(back)
    assert forth == sorted(forth)
    for p, c in enumerate(s):
        if not any(e.start <= p < e.end for e in edits):
            assert told.output[forth[p]] == c
            assert back[forth[p]] == p
            assert told.output_span(p, p + 1) == (forth[p], forth[p] + 1)
            assert told.input_span(forth[p], forth[p] + 1) == (p, p + 1)
    for e in edits:
        a, b = told.output_span(e.start, e.end)
        assert a == b or told.output[a:b] == e.new or e.start == e.end
        if e.new and e.start < e.end:
            assert told.input_span(a, b) == (e.start, e.end)


@given(two_lists())
def test_differences_are_what_normalizing_removes(case: tuple[str, list[Edit], list[Edit]]) -> None:
    s, edits, _ = case
    t = replay(s, edits)
    found = differences(s, t, edits, [])
    at_s = at_t = 0
    for m in found:
        assert s[at_s : m.a_start] == t[at_t : m.b_start]
        assert s[m.a_start : m.a_end] != t[m.b_start : m.b_end]
        at_s, at_t = m.a_end, m.b_end
    assert s[at_s:] == t[at_t:]
    assert len(found) == len(edits)


def test_spans_leave_out_what_was_deleted_beside_them() -> None:
    told = Explanation("--ab--", "ab", (Edit(0, 2, "", ("x",)), Edit(4, 6, "", ("x",))))
    assert told.input_span(0, 2) == (2, 4)
    assert told.output_span(0, 6) == (0, 2)
    assert told.output_span(0, 2) == (0, 0)
    assert told.input_span(1, 1) == (3, 3)
    inserted = Explanation("ab", "a+b", (Edit(1, 1, "+", ("x",)),))
    assert inserted.input_span(0, 2) == (0, 1)
    assert inserted.input_span(1, 2) == (1, 1)
    assert inserted.output_span(1, 2) == (2, 3)


@pytest.mark.parametrize(
    "edits",
    [
        [Edit(2, 3, "", ("x",)), Edit(0, 1, "", ("x",))],
        [Edit(0, 2, "", ("x",)), Edit(1, 3, "", ("x",))],
        [Edit(2, 5, "", ("x",))],
        [Edit(-1, 1, "", ("x",))],
        [Edit(2, 1, "", ("x",))],
    ],
)
def test_edits_that_do_not_fit_are_refused(edits: list[Edit]) -> None:
    with pytest.raises(DataError, match="very string they were made for"):
        replay("abcd", edits)


def test_positions_out_of_range_are_refused() -> None:
    told = Explanation("abc", "abc", ())
    for call in (
        lambda: told.to_input(4),
        lambda: told.to_output(-1),
        lambda: told.input_span(2, 1),
        lambda: told.output_span(0, 4),
    ):
        with pytest.raises(DataError, match="Explanation"):
            call()


def test_an_explanation_survives_json_and_refuses_another_text() -> None:
    told = Explanation("a\ud800b", "aéb", (Edit(1, 2, "é", ("surrogate",)),), "example")
    stored = json.loads(told.to_json())
    assert told.to_json().isascii()
    assert Explanation.from_dict(stored) == told
    assert stored["edits"] == [{"start": 1, "end": 2, "old": "\ud800", "new": "é", "rules": ["surrogate"]}]
    with pytest.raises(DataError, match="lead from the input to the output"):
        Explanation.from_dict({**stored, "output": "a"})


def test_an_explanation_prints_short() -> None:
    edits = tuple(Edit(i, i + 1, "x" * 100, ("long",)) for i in range(25))
    lines = str(Explanation("a" * 25, "x" * 2500, edits, "example")).splitlines()
    assert lines[0] == "example: 25 edits, 25 -> 2500 characters"
    assert lines[1] == f"  [0:1] 'a' -> {'x' * 30!r}... (100 characters) (long)"
    assert lines[-1] == "  and 5 more"
    assert len(lines) == 22


def test_many_edits_are_replayed_and_composed() -> None:
    n = 30_000
    s = "".join(rng("many edits").choice(["a", "b"], n))
    first = [Edit(i, i + 1, "cc", ("one",)) for i in range(0, n, 2)]
    t = replay(s, first)
    second = [Edit(i, i + 1, "", ("two",)) for i in range(0, len(t), 3)]
    assert replay(s, compose(s, t, first, second)) == replay(t, second)
