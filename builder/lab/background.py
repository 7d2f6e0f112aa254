"""Programs that run on behind us, started and waited for until they are ready."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from builder.errors import UserError
from builder.lab.waiting import until
from builder.run import Argv, start

Found = TypeVar("Found")


def launch(argv: Argv, ready: Callable[[], Found | None], what: str, *, log: Path, limit: float) -> Found:
    """Start a program and return what `ready` returns, as soon as it is something true.

    Raises UserError with the program's own words if it ends instead, and TimedOut after `limit` seconds.
    """
    pid = start(argv, log=log)

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
