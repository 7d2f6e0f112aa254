"""What a campaign measures: observations of clients and holders, outages, moves, and their spread."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from builder.faults.model import HolderMoment, Outage, Sample, Spread, Stall, Trial

ALL_PROBES = "all"
"""One program asks for all probes, so it is stalled with all of them."""


class Hold(NamedTuple):
    """A node begins to hold the VIP, or has ceased to."""

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
    """All that was seen up to now."""

    samples: list[Sample] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    garps: list[float] = field(default_factory=list)
    stalls: list[Stall] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    def take(self, row: list[Any]) -> None:
        """Add one row of the record."""
        kind, *values = row
        takers: dict[str, Callable[[], None]] = {
            "sample": lambda: self.samples.append(Sample(*values)),
            "holds": lambda: self.holds.append(Hold(*values)),
            "garp": lambda: self.garps.append(values[0]),
            "stall": lambda: self.stalls.append(Stall(ALL_PROBES, *values)),
            "line": lambda: self.lines.append(Line(*values)),
        }
        takers[kind]()

    def holders(self) -> tuple[str, ...]:
        """The nodes that hold the VIP now."""
        now = {hold.node: hold.holds for hold in sorted(self.holds)}
        return tuple(sorted(node for node, holds in now.items() if holds))

    def last_change(self) -> float:
        """When the holders changed for the last time."""
        return max((hold.at for hold in self.holds), default=0.0)


class Feed:
    """A record that is still being written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.seen = Observations()

    def read(self) -> Observations:
        """Take in the rows that are new; what is seen is all of them."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._offset += len(whole)
        for row in whole.splitlines():
            self.seen.take(json.loads(row))
        return self.seen


SLOW = 0.5
"""An answer that took this long is not counted as one: a client has noticed."""
BLIND_SHARE = 0.5
"""A question that ran out of time tells nothing if one stall took up this share of its time."""
SERVICE_PROBES = ("http", "tls", "greeting")
"""The probes that ask a service on a connection of their own; a ping or a connection is answered by the kernel."""


def outages(samples: Iterable[Sample], stalls: Sequence[Stall]) -> tuple[Outage, ...]:
    """The outages of every probe, by their start."""
    by_probe = groupby(sorted(samples, key=lambda each: (each.probe, each.at)), key=lambda each: each.probe)
    found = [outage for _, of_one in by_probe for outage in _joined(_outages(list(of_one), stalls))]
    return tuple(sorted(found, key=lambda each: each.start))


def _outages(samples: Sequence[Sample], stalls: Sequence[Stall]) -> Iterable[Outage]:
    """The outages of one probe, whose samples are in the order they were sent."""
    told = [sample for sample in samples if not blind(sample, stalls)]
    runs = [(good, list(run)) for good, run in groupby(told, key=is_good)]
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
            reset=sum(sample.fault == "reset" for sample in run),
        )


def _joined(outages: Iterable[Outage]) -> Iterable[Outage]:
    """Outages of one probe by their start, with those that overlap made one: answers may overtake each other."""
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
    """From the last good answer on, but not from before a stall that is all that lies between."""
    if not before:
        return first_bad
    last_good = min(answered(before[-1]), first_bad)
    return last_good + overlap(last_good, first_bad, stalls)


def _end(last_bad: float, after: Sequence[Sample], stalls: Sequence[Stall]) -> float | None:
    """Until the first good answer, less the time after the last bad question in which the probe was stalled."""
    if not after:
        return None
    first_good = min(map(answered, after))
    return first_good - overlap(last_bad, first_good, stalls)


def is_good(sample: Sample) -> bool:
    """Whether a client was served, and soon enough."""
    return sample.ok and sample.latency < SLOW


def answered(sample: Sample) -> float:
    """When the answer came."""
    return sample.at + sample.latency


def blind(sample: Sample, stalls: Sequence[Stall]) -> bool:
    """Whether a question failed or was slow only as far as a stalled probe can tell."""
    if is_good(sample) or sample.fault not in ("", "timeout"):
        return False
    longest_stall = max((overlap(sample.at, answered(sample), [stall]) for stall in stalls), default=0.0)
    return longest_stall > BLIND_SHARE * sample.latency


def overlap(start: float, end: float, stalls: Iterable[Stall]) -> float:
    """How much of a time the probe was stalled."""
    return sum(max(0.0, min(end, stall.end) - max(start, stall.start)) for stall in stalls)


def longest(trial: Trial, probe: str, start: float, end: float) -> float:
    """The longest part of one outage of a probe between two moments."""
    parts = (
        min(trial.ended_at if outage.end is None else outage.end, end) - max(outage.start, start)
        for outage in trial.outages
        if outage.probe == probe
    )
    return max((0.0, *parts))


def of_fault(trial: Trial, probe: str) -> float:
    """The outage until the recovery began."""
    return longest(trial, probe, 0, _mended_at(trial))


def of_recovery(trial: Trial, probe: str) -> float:
    """The outage from the recovery on."""
    return longest(trial, probe, _mended_at(trial), trial.ended_at)


def _mended_at(trial: Trial) -> float:
    return trial.ended_at if trial.recovered_at is None else trial.recovered_at


def service(measure: Callable[[Trial, str], float], trial: Trial) -> float:
    """A measure of the probes that ask a service: the worst of them."""
    return max(measure(trial, probe) for probe in service_probes(trial.samples))


def service_probes(samples: Iterable[Sample]) -> tuple[str, ...]:
    """The probes that ask a service; without one, connecting is the best there is."""
    seen = {sample.probe for sample in samples}
    return tuple(probe for probe in SERVICE_PROBES if probe in seen) or ("tcp",)


def spread(values: Sequence[float]) -> Spread:
    """Median, 95th percentile (nearest rank) and worst; the values must not be none."""
    ranked = sorted(values)

    def rank(share: float) -> float:
        return ranked[math.ceil(share * len(ranked)) - 1]

    middle = (ranked[(len(ranked) - 1) // 2] + ranked[len(ranked) // 2]) / 2
    return Spread(round(middle, 4), round(rank(0.95), 4), round(ranked[-1], 4))


def holder_moments(holds: Iterable[Hold], vip: str) -> tuple[HolderMoment, ...]:
    """Who holds a VIP from when on: one moment at 0 for all that was before, then one for each change."""
    nodes: frozenset[str] = frozenset()
    found = [HolderMoment(0, vip, ())]
    for hold in sorted(holds):
        nodes = nodes | {hold.node} if hold.holds else nodes - {hold.node}
        moment = HolderMoment(max(0.0, hold.at), vip, tuple(sorted(nodes)))
        if moment.at == 0:
            found = [moment]
        elif found[-1].nodes != moment.nodes:
            found.append(moment)
    return tuple(found)


def stays(moments: Sequence[HolderMoment], end: float = math.inf) -> Iterator[tuple[HolderMoment, float]]:
    """Each moment with the time at which its holders changed; the last one lasts to the end."""
    return zip(moments, [*(moment.at for moment in moments[1:]), end], strict=True)


def time_with(moments: Sequence[HolderMoment], end: float, wanted: Callable[[int], bool]) -> float:
    """Seconds until the end in which the number of holders is a wanted one."""
    times = (over - moment.at for moment, over in stays(moments, end) if wanted(len(moment.nodes)))
    return round(sum(times), 6)
