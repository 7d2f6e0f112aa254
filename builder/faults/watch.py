"""Watch a pair during a trial, and assemble the observations into one `Trial`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from builder.core import paths
from builder.core.errors import UserError
from builder.core.files import workspace
from builder.core.waiting import launch, until
from builder.faults import analysis
from builder.faults.analysis import Line, Observations, RecordReader
from builder.faults.model import Sample, StateChange, Trial
from builder.faults.pairs import Pair
from builder.faults.pairs.journal import state_of
from builder.faults.probes import record as plans
from builder.faults.probes.record import ProbePlan, Target
from builder.faults.scenarios import Scenario
from builder.spec.service import Service
from builder.spec.values import host

MOST_LINES = 1000
"""How many lines of a node's log are kept, counted from its end; no healthy daemon logs more in one trial."""
START_SECONDS = 30
END_SECONDS = 30
LOOK_SECONDS = 0.03
LOG = "probes.log"
CLIENT_FIRST = frozenset({"http", "pgsql", "redis", "ldap"})
"""Kinds of health checks in whose protocol the client speaks first."""
IDLE, IOWAIT, LAST = 3, 4, 8
"""Columns of /proc/stat (proc(5)); those after the eighth are included in others."""


@dataclass(frozen=True)
class Pace:
    """How fast the probes send requests; times are in seconds. Emulated guests need a slower pace."""

    rate: float
    timeout: float = 1.0
    holder_rate: float = 0.01
    holder_patience: float = 0.05
    answers: int = 10
    """The number of good answers from each service's probe that prove that the service works."""


class Watch:
    """The running probes and their observations."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._record = RecordReader(folder / plans.RECORD)

    def look(self) -> Observations:
        """Everything that was observed so far."""
        return self._record.read()

    def until(self, happened: Callable[[Observations], bool], what: str, *, limit: float) -> None:
        """Wait until the observations meet a condition; raises TimedOut."""
        until(lambda: happened(self.look()), what, limit=limit, every=LOOK_SECONDS)

    def finish(self) -> Observations:
        """Stop the probes and return all observations; raises UserError with the probes' output if they failed."""
        (self._folder / plans.STOP).touch()
        until((self._folder / plans.ENDED).exists, "the probes to end", limit=END_SECONDS)
        errors = (self._folder / LOG).read_text(errors="replace").strip()
        if errors:
            raise UserError(f"the probes failed:\n{errors}")
        return self.look()


@contextmanager
def watching(pair: Pair, pace: Pace) -> Iterator[Watch]:
    """Probe the pair's VIP until the context ends; raises UserError if the probes cannot be started."""
    with workspace(paths.state("probes"), pair.cluster.cluster) as folder:
        plans.write_probe_plan(probe_plan(pair, pace), folder)
        argv = [*pair.client_argv(), sys.executable, "-I", "-m", "builder.faults.probes", str(folder)]
        launch(argv, (folder / plans.READY).exists, "the probes", log=folder / LOG, limit=START_SECONDS)
        watch = Watch(folder)
        try:
            yield watch
        finally:
            watch.finish()


def probe_plan(pair: Pair, pace: Pace) -> ProbePlan:
    """The targets of the probes; raises UserError if a plain client cannot use any service on the VIP."""
    services = [service for service in pair.cluster.services if _can_be_probed(service, pair.vip)]
    if not services:
        raise UserError(
            f"no service on {pair.vip} can be probed",
            hint="add a service that does not require the PROXY protocol and is not a redirect",
        )
    by_mode = {service.mode: service for service in reversed(services)}
    return ProbePlan(
        vip=pair.vip,
        ports={pair.port(name): name for name in pair.names},
        http=_target(by_mode.get("http"), pair.vip),
        tls=_target(by_mode.get("https"), pair.vip),
        tcp=services[0].port,
        greeting=next((service.port for service in services if _greets(service)), None),
        rate=pace.rate,
        timeout=pace.timeout,
        holder_rate=pace.holder_rate,
        holder_patience=pace.holder_patience,
        logs={node: [str(path) for path in files] for node, files in pair.live_logs().items()},
    )


def _can_be_probed(service: Service, vip: str) -> bool:
    """Whether a plain client that connects to the VIP gets an answer from a server."""
    on_vip = not service.vips or vip in map(str, service.vips)
    return on_vip and not service.proxy_protocol.accept and not service.redirect


def _greets(service: Service) -> bool:
    """Whether the service's servers in the lab speak first, without TLS."""
    own = service.check if service.check and not service.check.port else None
    return not service.is_web and not (own and (own.tls or own.kind in CLIENT_FIRST))


def _target(service: Service | None, vip: str) -> Target | None:
    if service is None:
        return None
    path = service.http_check.path if service.http_check else "/"
    return Target(service.port, path, next(iter(service.hosts), host(vip)))


@dataclass(frozen=True)
class Clock:
    """When the parts of a trial started, by CLOCK_MONOTONIC."""

    began: float
    injected: float
    recovered: float
    ended: float

    def at(self, moment: float) -> float:
        """Convert a time to seconds since the start of the trial."""
        return round(moment - self.began, 6)


def assemble(
    pair: Pair,
    scenario: Scenario,
    number: int,
    *,
    clock: Clock,
    observations: Observations,
    failures: Sequence[str],
) -> Trial:
    """Build the trial from the observations, with times counted from its start."""
    from_journals, journals = pair.history(clock.began)
    from_logs = _from_lines(observations.lines, pair.instance.name)
    samples = tuple(sorted(_shifted(sample, clock) for sample in observations.samples if sample.at >= clock.began))
    stalls = tuple(
        replace(stall, start=clock.at(stall.start), end=clock.at(stall.end))
        for stall in observations.stalls
        if stall.start >= clock.began
    )
    holds = [hold._replace(at=clock.at(hold.at)) for hold in observations.holds]
    holders = analysis.holder_changes(holds, pair.vip)
    end = clock.at(clock.ended)
    return Trial(
        scenario=scenario.name,
        number=number,
        profile=pair.cluster.vrrp.profile,
        injected_at=clock.at(clock.injected),
        recovered_at=clock.at(clock.recovered),
        ended_at=end,
        samples=samples,
        states=_states(pair, clock, [*from_logs, *pair.state_changes, *from_journals]),
        holders=holders,
        garps=tuple(clock.at(at) for at in observations.garps if at >= clock.began),
        outages=analysis.outages(samples, stalls),
        stalls=stalls,
        no_holder_s=analysis.seconds_with(holders, end, lambda count: count == 0),
        two_holders_s=analysis.seconds_with(holders, end, lambda count: count > 1),
        logs=journals or _logs(pair, observations.lines, clock),
        failures=tuple(failures),
    )


def _shifted(sample: Sample, clock: Clock) -> Sample:
    return sample._replace(at=clock.at(sample.at))


def _from_lines(lines: Iterable[Line], instance: str) -> Iterable[StateChange]:
    for line in lines:
        state = state_of(line.text, instance)
        if state:
            yield StateChange(line.at, line.node, state)


def _states(pair: Pair, clock: Clock, changes: Iterable[StateChange]) -> tuple[StateChange, ...]:
    """All state changes of all nodes since the start of the trial, when the pair was healthy."""
    current = {name: StateChange(0, name, "MASTER" if name == pair.first else "BACKUP") for name in pair.names}
    states = list(current.values())
    for change in sorted(changes, key=lambda each: each.at):
        if change.at >= clock.began and current[change.node].state != change.state:
            current[change.node] = replace(change, at=clock.at(change.at))
            states.append(current[change.node])
    return tuple(states)


def _logs(pair: Pair, lines: Sequence[Line], clock: Clock) -> dict[str, str]:
    """The log of each node's daemons, with times counted from the start of the trial."""
    by_node = {name: [line for line in lines if line.node == name and line.at >= clock.began] for name in pair.names}
    return {
        name: "\n".join(f"{clock.at(line.at):9.3f}  {line.text}" for line in of_one[-MOST_LINES:])
        for name, of_one in by_node.items()
    }


class Ticks(NamedTuple):
    """Clock ticks of all processors since boot."""

    busy: int
    total: int


def load_shares(pair: Pair) -> dict[str, float]:
    """The share of processor time that each node used under load, from 0 to 1."""
    times = {name: pair.cpu_times(name) for name in pair.names}
    return {
        name: round(_share(read_processor_times(before), read_processor_times(after)), 3)
        for name, (before, after) in times.items()
    }


def read_processor_times(line: str) -> Ticks:
    """Parse the first line of /proc/stat."""
    columns = [int(word) for word in line.split()[1 : LAST + 1]]
    return Ticks(sum(columns) - columns[IDLE] - columns[IOWAIT], sum(columns))


def _share(before: Ticks, after: Ticks) -> float:
    return (after.busy - before.busy) / max(1, after.total - before.total)
