"""Waiting with a limit, for something that has a name."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from builder.errors import TimedOut
from builder.progress import duration

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
