"""A fit is a conversation: a method asks, an engine answers."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from renorm.core.state import Query

Rounds = Generator[Any, Any, dict[str, Any]]
Answer = Callable[[tuple[Query, ...]], tuple[Any, ...]]


def drive(rounds: Rounds, answer: Answer) -> dict[str, Any]:
    """Run the conversation to its end and return what the method learned.

    Parameters
    ----------
    rounds : generator
        Yields a `Query`, or a tuple of them to be answered in one pass; is sent the state, or the tuple of
        states; returns the fitted attributes by name.
    answer : callable
        A tuple of queries to a tuple of states, in one pass over the data.

    Returns
    -------
    dict
        Empty where the method learns nothing.
    """
    try:
        asked = next(rounds)
        while True:
            many = isinstance(asked, tuple)
            states = answer(asked if many else (asked,))
            asked = rounds.send(states if many else states[0])
    except StopIteration as stop:
        return dict(stop.value or {})
    finally:
        rounds.close()
