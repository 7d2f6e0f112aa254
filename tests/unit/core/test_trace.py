"""The trace of a command's steps: Chrome's trace event format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from builder.core import progress
from builder.core.progress import Phases, Timing
from builder.core.trace import events, traced

STEPS = (
    Timing("waiting for the guest's SSH", 1, 10.5, 4.0, thread=7),
    Timing("installing", 1, 14.5, 1.25, thread=7),
    Timing("baking", 0, 10.0, 6.0, thread=7),
    Timing("compiling", 0, 11.0, 2.0, thread=8),
)


def test_steps_are_complete_events_in_microseconds() -> None:
    title, *made = events("vipforge image", STEPS)["traceEvents"]
    assert title["args"] == {"name": "vipforge image"}
    assert [(each["name"], each["ph"], each["ts"], each["dur"]) for each in made] == [
        ("baking", "X", 0, 6_000_000),
        ("waiting for the guest's SSH", "X", 500_000, 4_000_000),
        ("compiling", "X", 1_000_000, 2_000_000),
        ("installing", "X", 4_500_000, 1_250_000),
    ]


def test_each_thread_has_its_own_row() -> None:
    rows = {each["name"]: each["tid"] for each in events("x", STEPS)["traceEvents"][1:]}
    assert rows["compiling"] != rows["baking"] == rows["installing"]


def test_no_steps_give_no_events() -> None:
    assert len(events("x", ())["traceEvents"]) == 1


def test_the_file_is_written_even_when_the_work_fails(tmp_path: Path) -> None:
    target = tmp_path / "trace.json"
    with pytest.raises(ValueError, match="no"), traced("x", target), progress.step("work"):
        raise ValueError("no")
    assert json.loads(target.read_text())["traceEvents"][-1]["name"] == "work"


def test_a_phase_ends_when_the_next_begins() -> None:
    phases = Phases()
    with progress.step("outer"):
        phases.begin("one")
        phases.begin("two")
        phases.end()
        phases.end()
    one, two, outer = progress.timings()[-3:]
    assert [one.name, two.name, outer.name] == ["one", "two", "outer"]
    assert one.depth == two.depth == outer.depth + 1
    assert outer.started <= one.started <= one.started + one.seconds <= two.started
    assert two.started + two.seconds <= outer.started + outer.seconds
