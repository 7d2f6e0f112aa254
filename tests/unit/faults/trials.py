"""Samples and trials as tests need them, and the logs that real probes have written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from builder.faults import analysis
from builder.faults.analysis import Feed, Observations
from builder.faults.model import Outage, Sample, Stall, Trial

RECORDS = Path(__file__).parent / "records"
RATE = 0.01
LATENCY = 0.002


def asked(start: float, end: float, *, fault: str = "", probe: str = "http", latency: float = LATENCY) -> list[Sample]:
    """A question every 10 ms, all with the same end; the times are counted in whole questions, so that they add up."""
    numbers = range(round(start / RATE), round(end / RATE))
    return [
        Sample(round(number * RATE, 6), probe, not fault, "" if fault else "lb1", latency, fault) for number in numbers
    ]


def lost(start: float, end: float, *, probe: str = "http") -> list[Sample]:
    """Questions that ran out of time, after a second."""
    return asked(start, end, fault="timeout", probe=probe, latency=1.0)


def recorded(name: str) -> Observations:
    """What real probes saw."""
    return Feed(RECORDS / f"{name}.jsonl").read()


def trial(
    samples: Iterable[Sample],
    stalls: Sequence[Stall] = (),
    *,
    recovered_at: float | None = 5,
    ended_at: float = 10,
    outages: tuple[Outage, ...] | None = None,
    **changes: object,
) -> Trial:
    """A trial with these samples, and with the outages that follow from them."""
    seen = tuple(samples)
    values = {
        "scenario": "haproxy-killed",
        "number": 1,
        "profile": "fast",
        "injected_at": 1.0,
        "recovered_at": recovered_at,
        "ended_at": ended_at,
        "samples": seen,
        "states": (),
        "holders": (),
        "garps": (),
        "outages": analysis.outages(seen, stalls) if outages is None else outages,
        "stalls": tuple(stalls),
        "no_holder_s": 0.0,
        "two_holders_s": 0.0,
    }
    return Trial(**{**values, **changes})  # type: ignore[arg-type]
