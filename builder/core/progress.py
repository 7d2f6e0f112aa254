"""Progress lines on stderr, timed steps, and plans: steps that are skipped if already done."""

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
HINT = "fix the cause and run the same command again: it continues from there"
_depth = ContextVar("depth", default=0)
_timings: list[Timing] = []


@dataclass(frozen=True)
class Timing:
    """A finished step: name, nesting depth, and start and duration in seconds (monotonic clock)."""

    name: str
    depth: int
    started: float
    seconds: float
    thread: int = field(default_factory=threading.get_ident)


def say(text: str) -> None:
    """Print one line of progress."""
    _line("  " * _depth.get() + text)


def warn(text: str) -> None:
    """Print one line that the user must not miss."""
    _line("  " * _depth.get() + _styled("33;1", "! " + text))


@contextmanager
def step(name: str) -> Iterator[None]:
    """A named step: prints a line when it begins, and one with the elapsed time when it ends."""
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
    """Consecutive steps: each prints one line when it begins, which also ends the one before."""

    def __init__(self) -> None:
        self._name = ""
        self._began = 0.0

    def begin(self, name: str) -> None:
        """End the current phase, if any, and begin the next."""
        self.end()
        say(name)
        self._name, self._began = name, time.monotonic()

    def end(self) -> None:
        """End the current phase."""
        if self._name:
            _timings.append(Timing(self._name, _depth.get(), self._began, time.monotonic() - self._began))
        self._name = ""


def timings() -> tuple[Timing, ...]:
    """Every step that has ended in this process, in the order in which they ended."""
    return tuple(_timings)


def duration(seconds: float) -> str:
    """A readable duration: 0.42 s, 12.3 s, 4 min 05 s."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), MINUTE)
    return f"{minutes} min {rest:02d} s"


def _styled(code: str, text: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if sys.stderr.isatty() else text


def _line(text: str) -> None:
    sys.stderr.write(f"{text}\n")  # at once: print() would let another thread's line in before the line break
    sys.stderr.flush()


@dataclass(frozen=True)
class Step:
    """One thing to do, unless `ready` says that it is already done. `what` is shown to users and has no secrets."""

    what: str
    ready: bool
    make: Callable[[], object]


def plan_text(steps: Sequence[Step], mark: str = "+") -> str:
    """One line per step: `=` is already done, `+` (or another `mark`) will be done."""
    return "\n".join(f"{'=' if each.ready else mark} {each.what}" for each in steps)


def carry_out(steps: Sequence[Step]) -> int:
    """Carry out the steps that are not done yet, in order, and return their number.

    If a step fails, its UserError also lists what exists by then.
    """
    remaining = [each for each in steps if not each.ready]
    present = [each.what for each in steps if each.ready]
    for each in remaining:
        try:
            with step(each.what):
                each.make()
        except UserError as failure:
            failure.message = f"{failure.message}\n{_already_there(present)}"
            failure.hint = failure.hint or HINT
            raise
        present.append(each.what)
    return len(remaining)


def _already_there(present: Sequence[str]) -> str:
    if not present:
        return "  nothing was created"
    return "\n".join(["  already there:", *(f"    {what}" for what in present)])
