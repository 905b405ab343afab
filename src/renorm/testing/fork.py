"""Run tasks in forked children, a few at a time, so that what a task breaks, hangs or kills stays in the child."""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import selectors
import signal
import struct
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Send = Callable[[Any], None]
Task = Callable[[Send], None]

_HEAD = struct.Struct("<Q")


@dataclass
class Ending:
    """How a child ended: its place in the list, what it sent, and ``"done"``, ``"timeout"`` or ``"crash"``."""

    index: int
    sent: list[Any]
    how: str
    seconds: float


@dataclass
class _Child:
    index: int
    pid: int
    pipe: int
    started: float
    data: bytearray = field(default_factory=bytearray)


def _start(index: int, task: Task, quiet: bool) -> _Child:
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a child runs its one thread; none of the parent's is needed
        pid = os.fork()
    if pid:
        os.close(write)
        return _Child(index, pid, read, time.monotonic())
    code = 1
    try:
        os.setpgid(0, 0)  # a group of its own, so that its own children end with it
        os.close(read)
        if quiet:
            with Path(os.devnull).open("wb") as null:
                os.dup2(null.fileno(), 1)
                os.dup2(null.fileno(), 2)

        def send(message: Any) -> None:
            body = pickle.dumps(message)
            view = memoryview(_HEAD.pack(len(body)) + body)
            while view:
                view = view[os.write(write, view) :]

        task(send)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _messages(data: bytearray) -> list[Any]:
    out, at = [], 0
    while at + _HEAD.size <= len(data):
        (size,) = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        if at + size > len(data):
            break  # killed while it wrote
        out.append(pickle.loads(bytes(data[at : at + size])))  # noqa: S301  (our own child wrote it)
        at += size
    return out


def _end(child: _Child, how: str) -> Ending:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child.pid, signal.SIGKILL)  # the child may not have made its group yet
    _, status = os.waitpid(child.pid, 0)
    os.close(child.pipe)
    if how == "done" and os.waitstatus_to_exitcode(status) != 0:
        how = "crash"
    return Ending(child.index, _messages(child.data), how, time.monotonic() - child.started)


def run_forked(tasks: Iterable[Task], *, jobs: int = 1, limit: float = 60.0, quiet: bool = True) -> Iterator[Ending]:
    """Run each task in a forked child and yield how it ended, in the order of ending.

    A task gets ``send(object)``; everything sent before the child died is kept. A child that runs longer than
    ``limit`` seconds is killed. A task is forked when its turn comes, so it sees what the caller has learned by then.

    Parameters
    ----------
    tasks : iterable of callable
    jobs : int, default=1
        Children at a time.
    limit : float, default=60.0
        Seconds for one child.
    quiet : bool, default=True
        Discard what the children print.
    """
    queue = enumerate(tasks)
    live: dict[int, _Child] = {}
    sys.stdout.flush()
    sys.stderr.flush()
    gc.collect()
    gc.freeze()  # children then copy fewer pages
    try:
        with selectors.DefaultSelector() as selector:
            while True:
                while len(live) < jobs and (item := next(queue, None)) is not None:
                    child = _start(*item, quiet)
                    live[child.pipe] = child
                    selector.register(child.pipe, selectors.EVENT_READ)
                if not live:
                    return
                first = min(c.started for c in live.values())
                events = selector.select(max(0.0, first + limit - time.monotonic()))
                for key, _ in events:
                    child = live[key.fd]
                    chunk = os.read(child.pipe, 1 << 16)
                    if chunk:
                        child.data += chunk
                    else:
                        selector.unregister(child.pipe)
                        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # let it exit by itself
                        yield _end(live.pop(child.pipe), "done")
                for child in [c for c in live.values() if time.monotonic() - c.started > limit]:
                    selector.unregister(child.pipe)
                    yield _end(live.pop(child.pipe), "timeout")
    finally:
        for child in live.values():
            _end(child, "timeout")
        gc.unfreeze()
