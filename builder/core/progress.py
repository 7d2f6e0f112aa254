"""Progress on stderr, and work as steps: what each does, whether it is already done, how long it took."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from builder.core.errors import UserError

MINUTE = 60
_depth = ContextVar("depth", default=0)
_timings: list[Timing] = []


@dataclass(frozen=True)
class Timing:
    """A finished step: its name, how deep it was nested, start and length in seconds (monotonic clock)."""

    name: str
    depth: int
    started: float
    seconds: float
    thread: int = field(default_factory=threading.get_ident)


def say(text: str) -> None:
    """One line of progress."""
    _line("  " * _depth.get() + text)


def warn(text: str) -> None:
    """One line that a person must not miss."""
    _line("  " * _depth.get() + _styled("33;1", "! " + text))


@contextmanager
def step(name: str) -> Iterator[None]:
    """A named step: a line when it begins, and one with the elapsed time when it ends."""
    depth = _depth.get()
    _line("  " * depth + _styled("1", f"· {name}"))
    began = time.monotonic()
    inner = _depth.set(depth + 1)
    outcome = "failed after"
    try:
        yield
        outcome = "done in"
    finally:
        _depth.reset(inner)
        seconds = time.monotonic() - began
        _timings.append(Timing(name, depth, began, seconds))
        _line("  " * depth + _styled("2", f"  {name}: {outcome} {duration(seconds)}"))


class Phases:
    """Steps that follow each other, each told by one line when it begins; one ends where the next begins."""

    def __init__(self) -> None:
        self._name = ""
        self._began = 0.0

    def begin(self, name: str) -> None:
        """Say the next one's name."""
        self.end()
        say(name)
        self._name, self._began = name, time.monotonic()

    def end(self) -> None:
        """End the last one."""
        if self._name:
            _timings.append(Timing(self._name, _depth.get(), self._began, time.monotonic() - self._began))
        self._name = ""


def timings() -> tuple[Timing, ...]:
    """Every step that has ended in this process, in the order of their ends."""
    return tuple(_timings)


def duration(seconds: float) -> str:
    """A length of time as people say it: 0.42 s, 12.3 s, 4 min 05 s."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), MINUTE)
    return f"{minutes} min {rest:02d} s"


def _styled(code: str, text: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if sys.stderr.isatty() else text


def _line(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


HINT = "fix the cause and run the same command again: it goes on from there"


@dataclass(frozen=True)
class Step:
    """One thing to do, unless `ready` says that it is done. `what` is shown to people and holds no secret."""

    what: str
    ready: bool
    make: Callable[[], object]


def plan_text(steps: Sequence[Step], made: str = "+") -> str:
    """One line per step: `=` is done already, `+` (or `made`) will be done."""
    return "\n".join(f"{'=' if each.ready else made} {each.what}" for each in steps)


def carry_out(steps: Sequence[Step]) -> int:
    """Do what is left, in order; returns how many steps that was.

    Raises the failure of a step as a UserError that also says what has been done by then.
    """
    lacking = [each for each in steps if not each.ready]
    there = [each.what for each in steps if each.ready]
    for each in lacking:
        try:
            with step(each.what):
                each.make()
        except UserError as failure:
            failure.message = f"{failure.message}\n{_listed(there)}"
            failure.hint = failure.hint or HINT
            raise
        there.append(each.what)
    return len(lacking)


def _listed(there: Sequence[str]) -> str:
    return "\n".join(["  there by now:", *(f"    {what}" for what in there)]) if there else "  nothing was made"
