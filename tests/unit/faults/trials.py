"""Samples and trials for tests, and records of real probes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from builder.faults import analysis
from builder.faults.analysis import Observations, RecordReader
from builder.faults.model import Outage, Sample, Stall, Trial

RECORDS = Path(__file__).parent / "records"
RATE = 0.01
LATENCY = 0.002


def asked(start: float, end: float, *, error: str = "", probe: str = "http", latency: float = LATENCY) -> list[Sample]:
    """A request every 10 ms, all with the same result; times are multiples of the interval, so that they add up."""
    numbers = range(round(start / RATE), round(end / RATE))
    return [
        Sample(round(number * RATE, 6), probe, not error, "" if error else "lb1", latency, error) for number in numbers
    ]


def lost(start: float, end: float, *, probe: str = "http") -> list[Sample]:
    """Requests that timed out after a second."""
    return asked(start, end, error="timeout", probe=probe, latency=1.0)


def recorded(name: str) -> Observations:
    """The observations of real probes."""
    return RecordReader(RECORDS / f"{name}.jsonl").read()


def trial(
    samples: Iterable[Sample],
    stalls: Sequence[Stall] = (),
    *,
    recovered_at: float | None = 5,
    ended_at: float = 10,
    outages: tuple[Outage, ...] | None = None,
    **changes: object,
) -> Trial:
    """A trial with these samples and the resulting outages."""
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
