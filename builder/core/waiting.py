"""Waiting with a limit: for a condition that has a name, and for a program in the background to be ready."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from builder.core.errors import TimedOut, UserError
from builder.core.progress import duration
from builder.core.run import Argv, start_process

Found = TypeVar("Found")


def until(look: Callable[[], Found | None], what: str, *, limit: float, every: float = 0.05) -> Found:
    """What `look` returns as soon as it is something true; raises TimedOut, naming `what`, after `limit` seconds.

    `look` may raise to end the wait early.
    """
    deadline = time.monotonic() + limit
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimedOut(f"waited {duration(limit)} for {what}")
        time.sleep(every)


def launch(argv: Argv, ready: Callable[[], Found | None], what: str, *, log: Path, limit: float) -> Found:
    """Start a program and return what `ready` returns, as soon as it is something true.

    Raises UserError with the program's own words if it ends instead, and TimedOut after `limit` seconds.
    """
    pid = start_process(argv, log=log)

    def look() -> Found | None:
        found = ready()
        if not found and _ended(pid):
            raise UserError(f"{what} ended as it started:\n{log.read_text(errors='replace').rstrip()}")
        return found

    return until(look, f"{what} to start", limit=limit)


def _ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return True
