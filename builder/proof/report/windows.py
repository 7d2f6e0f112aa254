"""Which trial of a scenario is shown, and which parts of it from close by."""

from __future__ import annotations

from dataclasses import dataclass

from builder.proof import analysis
from builder.proof.model import ScenarioResult, Trial
from builder.proof.report.axis import Axis
from builder.proof.report.ends import end

CLOSE = 0.3
"""A part that takes up more of the whole than this needs no figure of its own."""
NEAR = 6
"""So many times an outage's length after its cause, the outage alone is shown."""
SHORTEST = 0.02
"""Seconds; a shorter outage is shown with more around it."""


@dataclass(frozen=True)
class Window:
    """A part of a trial and what it shows."""

    title: str
    axis: Axis


def shown(result: ScenarioResult) -> Trial | None:
    """The trial that tells most: one that went wrong, else the one in which clients waited longest."""
    return max(result.trials, key=lambda trial: (bool(trial.faults), *_waits(trial)), default=None)


def _waits(trial: Trial) -> tuple[float, float]:
    return analysis.service(analysis.of_fault, trial), analysis.service(analysis.of_recovery, trial)


def windows(trial: Trial) -> list[Window]:
    """The whole trial, then the fault and the recovery from close by, where clients felt them for a short time."""
    zero = trial.injected_at
    whole = Window("The whole trial", Axis(0, trial.ended_at, zero))
    mended = trial.ended_at if trial.recovered_at is None else trial.recovered_at
    parts = [
        _close("What the fault did, from close by", trial, trial.injected_at, mended),
        _close("What the recovery did, from close by", trial, mended, trial.ended_at),
    ]
    return [whole, *(part for part in parts if part)]


def _close(title: str, trial: Trial, mark: float, over: float) -> Window | None:
    """The longest outage between two moments, with the moment before it where that is near."""
    found = [(max(each.start, mark), min(end(each, trial), over)) for each in trial.outages]
    start, until = max(found, key=lambda span: span[1] - span[0], default=(0, 0))
    if until <= start:
        return None
    near = until - mark <= NEAR * max(until - start, SHORTEST)
    first = mark if near else start
    span = max(until - first, SHORTEST)
    axis = Axis(max(0, first - span / 2), min(trial.ended_at, first + span * 1.8), trial.injected_at)
    return Window(title, axis) if axis.end - axis.start < CLOSE * trial.ended_at else None
