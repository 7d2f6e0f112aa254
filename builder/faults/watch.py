"""Watching a pair during a trial, and assembling what was seen into one record."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from builder.core.errors import UserError
from builder.core.waiting import launch, until
from builder.faults import analysis
from builder.faults.analysis import Feed, Line, Observations
from builder.faults.model import NodeMoment, Sample, Trial
from builder.faults.pairs import Pair
from builder.faults.pairs.journal import state_of
from builder.faults.probes import record as plans
from builder.faults.probes.record import ProbePlan, Target
from builder.faults.scenarios import Scenario
from builder.spec.service import Service
from builder.spec.values import host

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


def assemble(
    pair: Pair, scenario: Scenario, number: int, *, clock: Clock, seen: Observations, faults: Sequence[str]
) -> Trial:
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


START_SECONDS = 30
END_SECONDS = 30
LOOK_SECONDS = 0.03
LOG = "probes.log"


@dataclass(frozen=True)
class Pace:
    """How fast the probes ask, in seconds; a guest that is emulated bears less."""

    rate: float
    timeout: float = 1.0
    holder_rate: float = 0.01
    holder_patience: float = 0.05
    answers: int = 10
    """So many good answers from each probe of a service mean that it is served."""


class Watch:
    """Probes that run, and what they have seen."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._feed = Feed(folder / plans.RECORD)

    def look(self) -> Observations:
        """All that was seen up to now."""
        return self._feed.read()

    def until(self, happened: Callable[[Observations], bool], what: str, *, limit: float) -> None:
        """Wait until something is seen; raises TimedOut."""
        until(lambda: happened(self.look()), what, limit=limit, every=LOOK_SECONDS)

    def finish(self) -> Observations:
        """Stop asking; returns all that was seen. Raises UserError with the probes' own words if they broke."""
        (self._folder / plans.STOP).touch()
        until((self._folder / plans.ENDED).exists, "the probes to end", limit=END_SECONDS)
        broken = (self._folder / LOG).read_text(errors="replace").strip()
        if broken:
            raise UserError(f"the probes broke:\n{broken}")
        return self.look()


@contextmanager
def watching(pair: Pair, pace: Pace) -> Iterator[Watch]:
    """Probes that ask the pair's VIP, ended with the context; raises UserError where they cannot be started."""
    with tempfile.TemporaryDirectory(prefix="vipforge-probes.") as name:
        folder = Path(name)
        plans.write_probe_plan(probe_plan(pair, pace), folder)
        words = [*pair.client(), sys.executable, "-I", "-m", "builder.faults.probes", name]
        launch(words, (folder / plans.READY).exists, "the probes", log=folder / LOG, limit=START_SECONDS)
        watch = Watch(folder)
        try:
            yield watch
        finally:
            watch.finish()


def probe_plan(pair: Pair, pace: Pace) -> ProbePlan:
    """What the probes are to ask a pair; raises UserError where no service of the VIP can be asked."""
    services = [service for service in pair.cluster.services if _can_be_asked(service, pair.vip)]
    if not services:
        raise UserError(f"no service on {pair.vip} can be asked without the PROXY protocol", hint="add a plain one")
    of_mode = {service.mode: service for service in reversed(services)}
    return ProbePlan(
        vip=pair.vip,
        ports={pair.port(name): name for name in pair.names},
        http=_target(of_mode.get("http"), pair.vip),
        tls=_target(of_mode.get("https"), pair.vip),
        tcp=services[0].port,
        greeting=of_mode["tcp"].port if "tcp" in of_mode else None,
        rate=pace.rate,
        timeout=pace.timeout,
        holder_rate=pace.holder_rate,
        holder_patience=pace.holder_patience,
        logs={node: [str(path) for path in files] for node, files in pair.live_logs().items()},
    )


def _can_be_asked(service: Service, vip: str) -> bool:
    """Whether a plain client on that VIP gets an answer that comes from a server."""
    on_vip = not service.vips or vip in map(str, service.vips)
    return on_vip and not service.proxy_protocol.accept and not service.redirect


def _target(service: Service | None, vip: str) -> Target | None:
    if service is None:
        return None
    path = service.check.path if service.check else "/"
    return Target(service.port, path, next(iter(service.hosts), host(vip)))


IDLE, IOWAIT, LAST = 3, 4, 8
"""Columns of /proc/stat (proc(5)); those from the eighth on are counted in others already."""


class Ticks(NamedTuple):
    """Clock ticks of all processors since the start."""

    busy: int
    whole: int


def shares(pair: Pair) -> dict[str, float]:
    """The share of its processors' time that each node used while it was burdened, from 0 to 1."""
    counted = {name: pair.burdened(name) for name in pair.names}
    return {
        name: round(_share(read_processor_times(begun), read_processor_times(ended)), 3)
        for name, (begun, ended) in counted.items()
    }


def read_processor_times(line: str) -> Ticks:
    """The first line of /proc/stat."""
    columns = [int(word) for word in line.split()[1 : LAST + 1]]
    return Ticks(sum(columns) - columns[IDLE] - columns[IOWAIT], sum(columns))


def _share(before: Ticks, after: Ticks) -> float:
    return (after.busy - before.busy) / max(1, after.whole - before.whole)
