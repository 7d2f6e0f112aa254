"""Putting a trial together of all that was seen and done, with its times counted from its start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from builder.proof import analysis
from builder.proof.model import NodeMoment, Sample, Trial
from builder.proof.pairs import Pair
from builder.proof.pairs.logs import state_of
from builder.proof.scenarios import Scenario
from builder.proof.seen import Line, Seen

MOST_LINES = 1000
"""Of a node's log, from its end; a daemon that says more than this in a trial has gone mad."""


@dataclass(frozen=True)
class Clock:
    """When things were begun, by CLOCK_MONOTONIC."""

    began: float
    injected: float
    recovered: float
    ended: float

    def at(self, moment: float) -> float:
        """A moment as the trial counts it."""
        return round(moment - self.began, 6)


def assemble(pair: Pair, scenario: Scenario, number: int, *, clock: Clock, seen: Seen, faults: Sequence[str]) -> Trial:
    """The trial, with what follows from what was seen."""
    told, journal = pair.history(clock.began)
    samples = tuple(sorted(_shifted(sample, clock) for sample in seen.samples if sample.at >= clock.began))
    stalls = tuple(
        replace(stall, start=clock.at(stall.start), end=clock.at(stall.end))
        for stall in seen.stalls
        if stall.start >= clock.began
    )
    holders = analysis.holder_moments([hold._replace(at=clock.at(hold.at)) for hold in seen.holds], pair.vip)
    end = clock.at(clock.ended)
    return Trial(
        scenario=scenario.name,
        number=number,
        profile=pair.cluster.vrrp.profile,
        injected_at=clock.at(clock.injected),
        recovered_at=clock.at(clock.recovered),
        ended_at=end,
        samples=samples,
        states=_states(pair, clock, [*_from_lines(seen.lines, pair.instance.name), *pair.moments, *told]),
        holders=holders,
        garps=tuple(clock.at(at) for at in seen.garps if at >= clock.began),
        outages=analysis.outages(samples, stalls),
        stalls=stalls,
        no_holder_s=analysis.time_with(holders, end, lambda count: count == 0),
        two_holders_s=analysis.time_with(holders, end, lambda count: count > 1),
        logs=journal or _logs(pair, seen.lines, clock),
        faults=tuple(faults),
    )


def _shifted(sample: Sample, clock: Clock) -> Sample:
    return sample._replace(at=clock.at(sample.at))


def _from_lines(lines: Iterable[Line], instance: str) -> Iterable[NodeMoment]:
    for line in lines:
        state = state_of(line.text, instance)
        if state:
            yield NodeMoment(line.at, line.node, state)


def _states(pair: Pair, clock: Clock, moments: Iterable[NodeMoment]) -> tuple[NodeMoment, ...]:
    """Every change of every node's state, from the start of the trial, at which all is well."""
    now = {name: NodeMoment(0, name, "MASTER" if name == pair.first else "BACKUP") for name in pair.names}
    found = list(now.values())
    for moment in sorted(moments, key=lambda each: each.at):
        if moment.at >= clock.began and now[moment.node].state != moment.state:
            now[moment.node] = replace(moment, at=clock.at(moment.at))
            found.append(now[moment.node])
    return tuple(found)


def _logs(pair: Pair, lines: Sequence[Line], clock: Clock) -> dict[str, str]:
    """What each node's daemons said, with the trial's times."""
    said = {name: [line for line in lines if line.node == name and line.at >= clock.began] for name in pair.names}
    return {
        name: "\n".join(f"{clock.at(line.at):9.3f}  {line.text}" for line in of_one[-MOST_LINES:])
        for name, of_one in said.items()
    }
