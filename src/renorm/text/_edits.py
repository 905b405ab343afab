"""Edits: what a text normalizer changes, where, and by which rule; replaying, composing and locating them."""

from __future__ import annotations

import heapq
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from renorm.core.errors import DataError


class Edit(NamedTuple):
    """One change: the input's ``[start:end]`` becomes ``new``.

    A named tuple rather than a dataclass, because long texts make millions of them.

    Parameters
    ----------
    start, end : int
        Span in the input; ``start == end`` inserts.
    new : str
        What stands there instead; ``""`` deletes.
    rules : tuple of str
        Which rules ask for it, in the order in which they applied.

    Examples
    --------
    >>> Edit(4, 5, "e", ("strip_accent",))
    Edit(start=4, end=5, new='e', rules=('strip_accent',))
    """

    start: int
    end: int
    new: str
    rules: tuple[str, ...]


class Merge(NamedTuple):
    """One difference between two strings that a normalizer removes: ``a[a_start:a_end]`` and ``b[b_start:b_end]``."""

    a_start: int
    a_end: int
    b_start: int
    b_end: int
    rules: tuple[str, ...]


def replay(s: str, edits: Iterable[Edit]) -> str:
    """Apply edits to the string that they were made for.

    Parameters
    ----------
    s : str
    edits : iterable of Edit
        Sorted and not overlapping, as every normalizer gives them.

    Returns
    -------
    str

    Raises
    ------
    DataError
        Where an edit lies outside the string, overlaps the one before, or comes out of order.

    Examples
    --------
    >>> replay("naive cafe", [Edit(2, 3, "ï", ("accent",)), Edit(9, 10, "é", ("accent",))])
    'naïve café'
    """
    parts: list[str] = []
    at = 0
    for edit in edits:
        start, end, new = edit[:3]
        if not at <= start <= end <= len(s):
            raise DataError(
                "replay(s, edits)",
                expected=f"sorted edits that do not overlap, within 0..{len(s)}",
                got=f"{edit} after position {at}",
                hint="replay edits on the very string they were made for",
            )
        parts += (s[at:start], new)
        at = end
    parts.append(s[at:])
    return "".join(parts)


# an edit with the span it has in the text between two lists of edits, and the list it comes from
_Item = tuple[int, int, int, Edit]


def _outputs(edits: Iterable[Edit], which: int) -> Iterator[_Item]:
    """Give each edit with the span of its replacement in the output."""
    shift = 0
    for edit in edits:
        start = edit.start + shift
        yield start, start + len(edit.new), which, edit
        shift += len(edit.new) - (edit.end - edit.start)


def _groups(one: Iterable[_Item], two: Iterable[_Item]) -> Iterator[tuple[int, int, list[_Item]]]:
    """Group what overlaps in the text that both lists have in common; touching is not overlapping."""
    group: list[_Item] = []
    low = high = 0
    for item in heapq.merge(one, two, key=lambda i: i[:3]):
        if group and item[0] < high:
            group.append(item)
            high = max(high, item[1])
        else:
            if group:
                yield low, high, group
            group, low, high = [item], item[0], item[1]
    if group:
        yield low, high, group


def _rules(group: Iterable[_Item]) -> tuple[str, ...]:
    """Every rule once: those of the first list, then those of the second."""
    return tuple(dict.fromkeys(rule for item in sorted(group, key=lambda i: i[2]) for rule in item[3].rules))


def compose(s: str, t: str, first: Sequence[Edit], second: Sequence[Edit]) -> list[Edit]:
    """Express ``first`` (s to t) and then ``second`` (t to u) as edits of s.

    Edits that overlap in t become one, with the rules of both; the others keep their own span.
    An edit that the second list undoes is gone.

    Examples
    --------
    >>> first, second = [Edit(0, 2, "X", ("a",))], [Edit(0, 1, "Y", ("b",)), Edit(2, 3, "Z", ("b",))]
    >>> compose("abcd", "Xcd", first, second)
    [Edit(start=0, end=2, new='Y', rules=('a', 'b')), Edit(start=3, end=4, new='Z', rules=('b',))]
    """
    if not first or not second:
        return list(first or second)
    out: list[Edit] = []
    shift = 0  # a position of s less the position of t that it became
    for low, high, group in _groups(_outputs(first, 0), ((e.start, e.end, 1, e) for e in second)):
        start = low + shift
        shift += sum(e.end - e.start - len(e.new) for _, _, which, e in group if which == 0)
        if len(group) == 1:
            edit = group[0][3]
            out.append(Edit(start, high + shift, edit.new, edit.rules))
            continue
        parts: list[str] = []
        at = low
        for a, b, which, edit in group:
            if which == 1:
                parts += (t[at:a], edit.new)
                at = b
        new = "".join(parts) + t[at:high]
        if new != s[start : high + shift]:
            out.append(Edit(start, high + shift, new, _rules(group)))
    return out


def differences(a: str, b: str, of_a: Sequence[Edit], of_b: Sequence[Edit]) -> list[Merge]:
    """Where a and b differ, although their edits lead to one string."""
    out: list[Merge] = []
    shifts = [0, 0]
    for low, high, group in _groups(_outputs(of_a, 0), _outputs(of_b, 1)):
        starts = [low + shift for shift in shifts]
        for _, _, which, e in group:
            shifts[which] += e.end - e.start - len(e.new)
        ends = [high + shift for shift in shifts]
        if a[starts[0] : ends[0]] != b[starts[1] : ends[1]]:
            out.append(Merge(starts[0], ends[0], starts[1], ends[1], _rules(group)))
    return out


@dataclass(frozen=True)
class Explanation:
    """A text, what became of it, and why: edits, and positions mapped both ways.

    Parameters
    ----------
    input, output : str
    edits : tuple of Edit
        Spans in the input; ``replay(input, edits) == output``.
    by : str
        The normalizer that made them.

    Examples
    --------
    >>> told = Explanation("a  cat", "a dog", (Edit(1, 3, " ", ("space",)), Edit(3, 6, "dog", ("pet",))), "example")
    >>> print(told)
    example: 2 edits, 6 -> 5 characters
      [1:3] '  ' -> ' ' (space)
      [3:6] 'cat' -> 'dog' (pet)
    >>> told.input_span(2, 5), told.output_span(1, 2), told.to_input(5)
    ((3, 6), (1, 2), 6)
    """

    input: str
    output: str
    edits: tuple[Edit, ...]
    by: str = ""

    @cached_property
    def _ends(self) -> tuple[list[int], list[int], list[int], list[int]]:
        placed = list(_outputs(self.edits, 0))
        return (
            [e.start for e in self.edits],
            [e.end for e in self.edits],
            [start for start, *_ in placed],
            [end for _, end, *_ in placed],
        )

    def to_input(self, position: int) -> int:
        """Where the character at this position of the output comes from; the output's length gives the input's.

        Inside a replacement it is the start of what was replaced. Never decreases.
        """
        starts, ends, out_starts, out_ends = self._ends
        self._check("to_input", position, len(self.output))
        return _forward(position, out_starts, out_ends, starts, ends)

    def to_output(self, position: int) -> int:
        """Where the character at this position of the input went; the input's length gives the output's.

        Inside an edit it is the start of the replacement. Never decreases.
        """
        starts, ends, out_starts, out_ends = self._ends
        self._check("to_output", position, len(self.input))
        return _forward(position, starts, ends, out_starts, out_ends)

    def input_span(self, start: int, end: int) -> tuple[int, int]:
        """Return the smallest span of the input from which the output's ``[start:end]`` was made."""
        starts, ends, out_starts, out_ends = self._ends
        self._check_span("input_span", start, end, len(self.output))
        first = _forward(start, out_starts, out_ends, starts, ends)
        return first, first if start == end else _backward(end, out_starts, out_ends, starts, ends)

    def output_span(self, start: int, end: int) -> tuple[int, int]:
        """Return the smallest span of the output that the input's ``[start:end]`` became."""
        starts, ends, out_starts, out_ends = self._ends
        self._check_span("output_span", start, end, len(self.input))
        first = _forward(start, starts, ends, out_starts, out_ends)
        return first, first if start == end else _backward(end, starts, ends, out_starts, out_ends)

    def _check(self, who: str, position: int, length: int) -> None:
        if not 0 <= position <= length:
            raise DataError(f"Explanation.{who}(position)", expected=f"0..{length}", got=str(position))

    def _check_span(self, who: str, start: int, end: int, length: int) -> None:
        if not 0 <= start <= end <= length:
            raise DataError(
                f"Explanation.{who}(start, end)", expected=f"0 <= start <= end <= {length}", got=f"{start}, {end}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON takes it; ``old`` is there for the reader."""
        edits = [
            {"start": e.start, "end": e.end, "old": self.input[e.start : e.end], "new": e.new, "rules": list(e.rules)}
            for e in self.edits
        ]
        return {"by": self.by, "input": self.input, "output": self.output, "edits": edits}

    def to_json(self) -> str:
        """One line of ASCII JSON (lone surrogates escaped)."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Explanation:
        """Read what `to_dict` gave; the edits are replayed and must give the stored output.

        Raises
        ------
        DataError
            Where they do not.
        """
        edits = tuple(Edit(e["start"], e["end"], e["new"], tuple(e["rules"])) for e in stored["edits"])
        if replay(stored["input"], edits) != stored["output"]:
            raise DataError(
                "Explanation.from_dict(stored)", expected="edits that lead from the input to the output", got="others"
            )
        return cls(stored["input"], stored["output"], edits, stored["by"])

    def __str__(self) -> str:
        count = len(self.edits)
        lines = [f"{self.by}: {count} edit{'' if count == 1 else 's'}, {len(self.input)} -> {len(self.output)} characters"]
        lines += (
            f"  [{e.start}:{e.end}] {_short(self.input[e.start : e.end])} -> {_short(e.new)} ({', '.join(e.rules)})"
            for e in self.edits[:20]
        )
        if count > 20:
            lines.append(f"  and {count - 20} more")
        return "\n".join(lines)


def _short(text: str) -> str:
    return repr(text) if len(text) <= 40 else f"{text[:30]!r}... ({len(text)} characters)"


def _forward(at: int, starts: list[int], ends: list[int], to_starts: list[int], to_ends: list[int]) -> int:
    """Where the character that begins at this position begins on the other side."""
    k = bisect_right(starts, at) - 1
    if k < 0:
        return at
    return to_starts[k] if at < ends[k] else to_ends[k] + at - ends[k]


def _backward(at: int, starts: list[int], ends: list[int], to_starts: list[int], to_ends: list[int]) -> int:
    """Where the character that ends at this position ends on the other side."""
    k = bisect_left(starts, at) - 1
    if k < 0:
        return at
    return to_ends[k] if at <= ends[k] else to_ends[k] + at - ends[k]
