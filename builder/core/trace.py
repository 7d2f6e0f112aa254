"""The steps of a command as a trace file for Perfetto and speedscope.

The file is in Chrome's trace event format: a JSON object with complete events (`"ph": "X"`, times in microseconds).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from builder.core.files import write_atomic
from builder.core.progress import Timing, say, timings

MICROSECONDS = 1_000_000


@contextmanager
def traced(name: str, target: Path | None) -> Iterator[None]:
    """Write the steps of the block to `target`, if one is given, even if the block fails."""
    try:
        yield
    finally:
        if target:
            write_atomic(target, json.dumps(events(name, timings()), indent=1) + "\n")
            say(f"timings: {target} (open it with Perfetto or speedscope)")


def events(name: str, steps: tuple[Timing, ...]) -> dict[str, Any]:
    """The trace: outer steps come before the steps inside them, and each thread has its own row."""
    start = min((step.started for step in steps), default=0.0)
    ordered = sorted(steps, key=lambda step: (step.started, step.depth))
    threads = list(dict.fromkeys(step.thread for step in ordered))
    rows = [_event(step, start, threads.index(step.thread) + 1) for step in ordered]
    title = {"name": "process_name", "ph": "M", "pid": os.getpid(), "tid": 0, "args": {"name": name}}
    return {"traceEvents": [title, *rows], "displayTimeUnit": "ms"}


def _event(step: Timing, start: float, row: int) -> dict[str, Any]:
    return {
        "name": step.name,
        "cat": "step",
        "ph": "X",
        "ts": round((step.started - start) * MICROSECONDS),
        "dur": round(step.seconds * MICROSECONDS),
        "pid": os.getpid(),
        "tid": row,
    }
