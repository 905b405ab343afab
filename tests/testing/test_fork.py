"""Children that end well, fail, hang, die: what they sent is kept, and the others go on."""

from __future__ import annotations

import os
import signal
import time

from renorm.testing.fork import run_forked


def test_what_children_send_comes_back_in_the_order_of_ending() -> None:
    def task(n: int):
        def run(send) -> None:
            send(n)
            time.sleep(0.3 * n)
            send({"twice": 2 * n, "big": b"x" * 300_000})

        return run

    ends = list(run_forked([task(2), task(0), task(1)], jobs=3))
    assert [e.index for e in ends] == [1, 2, 0]
    assert [e.sent[0] for e in ends] == [0, 1, 2]
    assert all(len(e.sent[1]["big"]) == 300_000 for e in ends)
    assert {e.how for e in ends} == {"done"}


def test_children_that_raise_hang_or_die() -> None:
    def fails(send) -> None:
        send("before")
        raise ValueError

    def hangs(send) -> None:
        send("before")
        time.sleep(60)

    def dies(send) -> None:
        send("before")
        os.kill(os.getpid(), signal.SIGKILL)

    def leaves_a_grandchild(send) -> None:
        send("before")
        if os.fork() == 0:
            time.sleep(60)
        time.sleep(60)

    start = time.monotonic()
    ends = list(run_forked([fails, hangs, dies, leaves_a_grandchild, lambda send: send("before")], jobs=2, limit=1.0))
    assert time.monotonic() - start < 20
    assert {e.index: e.how for e in ends} == {0: "crash", 1: "timeout", 2: "crash", 3: "timeout", 4: "done"}
    assert all(e.sent == ["before"] for e in ends)


def test_a_task_sees_what_the_caller_learned_before_it_started() -> None:
    seen: list[int] = []

    def tasks():
        for _ in range(3):
            known = len(seen)
            yield lambda send, known=known: send(known)

    for ending in run_forked(tasks(), jobs=1):
        seen += ending.sent
    assert seen == [0, 1, 2]


def test_leaving_early_ends_the_children() -> None:
    def slow(send) -> None:
        send(os.getpid())
        time.sleep(60)

    running = run_forked([lambda send: time.sleep(0.5), slow], jobs=2)
    start = time.monotonic()
    next(running)
    running.close()
    assert time.monotonic() - start < 20
