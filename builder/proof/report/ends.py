"""When an outage was over, also for one that the trial's end cut off."""

from __future__ import annotations

from builder.proof.model import Outage, Trial


def end(outage: Outage, trial: Trial) -> float:
    """The outage's end, or the trial's."""
    return trial.ended_at if outage.end is None else outage.end


def length(outage: Outage, trial: Trial) -> float:
    """How long it was, in seconds."""
    return end(outage, trial) - outage.start
