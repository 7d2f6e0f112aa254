"""Functions that are called at once, each in a thread.

If one of them fails, or on Ctrl-C, the commands of the others are killed, and each of those threads ends at its next
command or `pause()`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from typing import Any, TypeVar

END_SECONDS = 0.5
"""How long the other threads have to end after a failure."""

One = TypeVar("One")
Other = TypeVar("Other")


class Stopped(BaseException):
    """Ends a thread of `run_all` or `run_both` after another one has failed; no `except UserError` may catch it."""


@dataclass(frozen=True)
class ThreadGroup:
    """The threads of one `run_all` or `run_both`, and the commands that they are running."""

    ended: threading.Event = field(default_factory=threading.Event)
    running: set[subprocess.Popen[str]] = field(default_factory=set)

    def end(self) -> None:
        """Kill the running commands; the threads start no others."""
        self.ended.set()
        for process in tuple(self.running):
            kill(process)

    def check(self) -> None:
        """Raise Stopped if the group has ended."""
        if self.ended.is_set():
            raise Stopped


_group: ContextVar[ThreadGroup] = ContextVar("group", default=ThreadGroup())  # noqa: B039 - the main thread's never ends
"""The group that the current thread belongs to."""


def run_all(calls: Sequence[Callable[[], One]]) -> list[One]:
    """Call all functions at once, each in a thread, and return their results in the same order."""
    with _threads() as start:
        futures = [start(call) for call in calls]
        for future in as_completed(futures):
            future.result()
    return [future.result() for future in futures]


def run_both(one: Callable[[], One], other: Callable[[], Other]) -> tuple[One, Other]:
    """Call both at once, `other` in a thread, and return both results."""
    with _threads() as start:
        future = start(other)
        return one(), future.result()


def pause(seconds: float) -> None:
    """Sleep; in a thread of `run_all`, not longer than until another thread fails."""
    group = _group.get()
    group.ended.wait(seconds)
    group.check()


def current_group() -> ThreadGroup:
    """The group that the current thread belongs to."""
    return _group.get()


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a command; with everything that it has started, if it has a session of its own."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            leads = os.getpgid(process.pid) == process.pid
            (os.killpg if leads else os.kill)(process.pid, signal.SIGKILL)


@contextmanager
def _threads() -> Iterator[Callable[[Callable[[], Any]], Future[Any]]]:
    """A function that starts another one in a thread of a group, which ends if the block does not succeed.

    A thread that waits for a network is then left behind; it ends with the process.
    """
    group, context, threads = ThreadGroup(), copy_context(), list[threading.Thread]()
    context.run(_group.set, group)

    def start(call: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        threads.append(threading.Thread(target=context.copy().run, args=(_fulfil, future, call), daemon=True))
        threads[-1].start()
        return future

    try:
        yield start
    except BaseException:
        group.end()
        deadline = time.monotonic() + END_SECONDS
        for thread in threads:
            thread.join(max(0, deadline - time.monotonic()))
        raise


def _fulfil(future: Future[Any], call: Callable[[], Any]) -> None:
    try:
        future.set_result(call())
    except BaseException as failure:  # noqa: BLE001 - raised where the result is read
        future.set_exception(failure)
