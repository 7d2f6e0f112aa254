"""The steps of a command as a trace file, which Perfetto and speedscope open.

The form is Chrome's trace event format, as a JSON object with complete events (`"ph": "X"`, times in microseconds).
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
    """Write the steps of what runs inside to `target`, if there is one; also when it fails."""
    try:
        yield
    finally:
        if target:
            write_atomic(target, json.dumps(events(name, timings()), indent=1) + "\n")
            say(f"timings: {target} (open it with Perfetto or speedscope)")


def events(name: str, steps: tuple[Timing, ...]) -> dict[str, Any]:
    """The trace: what waits stands above its parts; steps of another thread get a row of their own."""
    start = min((step.started for step in steps), default=0.0)
    ordered = sorted(steps, key=lambda step: (step.started, step.depth))
    threads = list(dict.fromkeys(step.thread for step in ordered))
    made = [_event(step, start, threads.index(step.thread) + 1) for step in ordered]
    title = {"name": "process_name", "ph": "M", "pid": os.getpid(), "tid": 0, "args": {"name": name}}
    return {"traceEvents": [title, *made], "displayTimeUnit": "ms"}


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
