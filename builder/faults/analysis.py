"""Turn the probes' record into results: observations, outages, changes of the holder, and statistics."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from builder.faults.model import HolderChange, Outage, Sample, Spread, Stall, Trial

ALL_PROBES = "all"
"""One program runs all probes, so a stall affects all of them."""
SLOW_SECONDS = 0.5
"""An answer that took this long does not count, because clients have noticed the delay."""
INCONCLUSIVE_SHARE = 0.5
"""A request that timed out is inconclusive if a single stall took up this share of its time."""
SERVICE_PROBES = ("http", "tls", "greeting")
"""The probes that send a request to a service on a new connection; the kernel answers pings and connections."""


class Hold(NamedTuple):
    """A node starts or stops holding the VIP."""

    at: float
    node: str
    holds: bool


class Line(NamedTuple):
    """A line of a node's log."""

    at: float
    node: str
    text: str


@dataclass
class Observations:
    """Everything that was observed so far."""

    samples: list[Sample] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    garps: list[float] = field(default_factory=list)
    stalls: list[Stall] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    def add(self, row: list[Any]) -> None:
        """Add one row of the record."""
        kind, *values = row
        handlers: dict[str, Callable[[], None]] = {
            "sample": lambda: self.samples.append(Sample(*values)),
            "holds": lambda: self.holds.append(Hold(*values)),
            "garp": lambda: self.garps.append(values[0]),
            "stall": lambda: self.stalls.append(Stall(ALL_PROBES, *values)),
            "line": lambda: self.lines.append(Line(*values)),
        }
        handlers[kind]()

    def holders(self) -> tuple[str, ...]:
        """The nodes that currently hold the VIP."""
        now = {hold.node: hold.holds for hold in sorted(self.holds)}
        return tuple(sorted(node for node, holds in now.items() if holds))

    def last_change(self) -> float:
        """When the holders last changed."""
        return max((hold.at for hold in self.holds), default=0.0)


class RecordReader:
    """Reads a record while it is being written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.observations = Observations()

    def read(self) -> Observations:
        """Read the new rows; returns the observations from all rows so far."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            new = file.read()
        complete = new[: new.rfind(b"\n") + 1]
        self._offset += len(complete)
        for row in complete.splitlines():
            self.observations.add(json.loads(row))
        return self.observations


def outages(samples: Iterable[Sample], stalls: Sequence[Stall]) -> tuple[Outage, ...]:
    """The outages of every probe, ordered by their start."""
    by_probe = groupby(sorted(samples, key=lambda each: (each.probe, each.at)), key=lambda each: each.probe)
    unordered = [outage for _, of_one in by_probe for outage in _merged(_outages(list(of_one), stalls))]
    return tuple(sorted(unordered, key=lambda each: each.start))


def _outages(samples: Sequence[Sample], stalls: Sequence[Stall]) -> Iterable[Outage]:
    """The outages of one probe, whose samples are in the order in which they were sent."""
    conclusive = [sample for sample in samples if not is_inconclusive(sample, stalls)]
    runs = [(good, list(run)) for good, run in groupby(conclusive, key=is_good)]
    for number, (good, run) in enumerate(runs):
        if good:
            continue
        before = runs[number - 1][1] if number else []
        after = runs[number + 1][1] if number + 1 < len(runs) else []
        yield Outage(
            probe=run[0].probe,
            start=_start(before, run[0].at, stalls),
            end=_end(run[-1].at, after, stalls),
            lost=len(run),
            reset=sum(sample.error == "reset" for sample in run),
        )


def _merged(outages: Iterable[Outage]) -> Iterable[Outage]:
    """Merge overlapping outages of one probe, given in order of their start: answers may overtake each other."""
    last: Outage | None = None
    for outage in outages:
        if last is None or (last.end is not None and outage.start > last.end):
            if last:
                yield last
            last = outage
        else:
            end = None if last.end is None or outage.end is None else max(last.end, outage.end)
            last = replace(last, end=end, lost=last.lost + outage.lost, reset=last.reset + outage.reset)
    if last:
        yield last


def _start(before: Sequence[Sample], first_bad: float, stalls: Sequence[Stall]) -> float:
    """The time of the last good answer, plus the time after it during which the probe was stalled."""
    if not before:
        return first_bad
    last_good = min(answered_at(before[-1]), first_bad)
    return last_good + overlap(last_good, first_bad, stalls)


def _end(last_bad: float, after: Sequence[Sample], stalls: Sequence[Stall]) -> float | None:
    """The time of the first good answer, minus the time before it during which the probe was stalled."""
    if not after:
        return None
    first_good = min(map(answered_at, after))
    return first_good - overlap(last_bad, first_good, stalls)


def is_good(sample: Sample) -> bool:
    """Whether a client was served in time."""
    return sample.ok and sample.latency < SLOW_SECONDS


def answered_at(sample: Sample) -> float:
    """When the answer arrived."""
    return sample.at + sample.latency


def is_inconclusive(sample: Sample, stalls: Sequence[Stall]) -> bool:
    """Whether a request may have been slow or have timed out only because the probe was stalled."""
    if is_good(sample) or sample.error not in ("", "timeout"):
        return False
    longest_stall = max((overlap(sample.at, answered_at(sample), [stall]) for stall in stalls), default=0.0)
    return longest_stall > INCONCLUSIVE_SHARE * sample.latency


def overlap(start: float, end: float, stalls: Iterable[Stall]) -> float:
    """How long the probe was stalled between two times, in seconds."""
    return sum(max(0.0, min(end, stall.end) - max(start, stall.start)) for stall in stalls)


def longest_outage(trial: Trial, probe: str, start: float, end: float) -> float:
    """The longest outage of a probe between two times; an outage that extends beyond them is cut."""
    parts = (
        min(trial.ended_at if outage.end is None else outage.end, end) - max(outage.start, start)
        for outage in trial.outages
        if outage.probe == probe
    )
    return max((0.0, *parts))


def fault_outage(trial: Trial, probe: str) -> float:
    """The longest outage until the recovery started."""
    return longest_outage(trial, probe, 0, _recovery_start(trial))


def recovery_outage(trial: Trial, probe: str) -> float:
    """The longest outage from the start of the recovery on."""
    return longest_outage(trial, probe, _recovery_start(trial), trial.ended_at)


def _recovery_start(trial: Trial) -> float:
    return trial.ended_at if trial.recovered_at is None else trial.recovered_at


def worst_service(measure: Callable[[Trial, str], float], trial: Trial) -> float:
    """The worst value of a measure over the probes that request a service."""
    return max(measure(trial, probe) for probe in service_probes(trial.samples))


def service_probes(samples: Iterable[Sample]) -> tuple[str, ...]:
    """The probes that request a service, or if there are none, the probe that connects."""
    present = {sample.probe for sample in samples}
    return tuple(probe for probe in SERVICE_PROBES if probe in present) or ("tcp",)


def spread(values: Sequence[float]) -> Spread:
    """Median, 95th percentile (nearest rank) and worst of at least one value."""
    ranked = sorted(values)

    def rank(share: float) -> float:
        return ranked[math.ceil(share * len(ranked)) - 1]

    middle = (ranked[(len(ranked) - 1) // 2] + ranked[len(ranked) // 2]) / 2
    return Spread(round(middle, 4), round(rank(0.95), 4), round(ranked[-1], 4))


def holder_changes(holds: Iterable[Hold], vip: str) -> tuple[HolderChange, ...]:
    """The holders of a VIP over time: one entry at 0 for everything before, then one entry per change."""
    nodes: frozenset[str] = frozenset()
    changes = [HolderChange(0, vip, ())]
    for hold in sorted(holds):
        nodes = nodes | {hold.node} if hold.holds else nodes - {hold.node}
        change = HolderChange(max(0.0, hold.at), vip, tuple(sorted(nodes)))
        if change.at == 0:
            changes = [change]
        elif changes[-1].nodes != change.nodes:
            changes.append(change)
    return tuple(changes)


def intervals(changes: Sequence[HolderChange], end: float = math.inf) -> Iterator[tuple[HolderChange, float]]:
    """Each change with the time of the next one; the last interval lasts until `end`."""
    return zip(changes, [*(change.at for change in changes[1:]), end], strict=True)


def seconds_with(changes: Sequence[HolderChange], end: float, matches: Callable[[int], bool]) -> float:
    """How long the number of holders matched a condition, in seconds."""
    times = (until - change.at for change, until in intervals(changes, end) if matches(len(change.nodes)))
    return round(sum(times), 6)
