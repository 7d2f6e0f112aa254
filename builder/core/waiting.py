"""Waiting with a time limit: for a condition, or for a background program to become ready."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from builder.core.errors import TimedOut, UserError
from builder.core.parallel import pause
from builder.core.progress import duration
from builder.core.run import Argv, start_process

Found = TypeVar("Found")


def until(look: Callable[[], Found | None], what: str, *, limit: float, every: float = 0.05) -> Found:
    """Call `look` until it returns something true, and return that; raises TimedOut after `limit` seconds.

    `what` completes the message "waited 5 s for …". `look` may raise to end the wait early.
    """
    deadline = time.monotonic() + limit
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimedOut(f"waited {duration(limit)} for {what}")
        pause(every)


def launch(argv: Argv, ready: Callable[[], Found | None], what: str, *, log: Path, limit: float) -> Found:
    """Start a program, call `ready` until it returns something true, and return that.

    Raises UserError with the program's output if the program exits first, and TimedOut after `limit` seconds.
    """
    pid = start_process(argv, log=log)

    def look() -> Found | None:
        found = ready()
        if not found and _ended(pid):
            raise UserError(f"{what} exited during startup:\n{log.read_text(errors='replace').rstrip()}")
        return found

    return until(look, f"{what} to start", limit=limit)


def _ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return True
