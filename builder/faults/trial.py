"""One trial, observed from the clients' side: a healthy pair, the fault, its effect, the recovery, a healthy pair."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from builder.core.errors import TimedOut, UserError
from builder.core.waiting import until
from builder.faults import analysis
from builder.faults.analysis import Observations
from builder.faults.limits import classic_reaction
from builder.faults.model import Trial
from builder.faults.pairs import Pair
from builder.faults.scenarios import Effect, Scenario
from builder.faults.watch import Clock, Pace, Watch, assemble, load_shares, watching
from builder.spec.keepalived_features import profile_of

LEAD, TAIL = 0.3, 0.3
SETTLED_SECONDS = 0.1
RETURN_ADVERTISEMENTS = 5
"""A node that wants the VIPs back takes them within this many advertisements: three, plus its skew and some margin."""
TIMEOUT_FAILURES = {
    "moved": "the VIPs did not move to the other node, or were not served there,",
    "served": "the VIPs were not held and served by exactly one node",
    "split": "the nodes did not both hold the VIPs",
    "healthy": "the VIPs did not return to the one node that should hold them, or were not served there,",
}


@dataclass(frozen=True)
class Patience:
    """How long a pair may take, in seconds."""

    settle: float
    """To become healthy before a trial."""
    effect: float
    """To show the effect of a fault."""
    recover: float
    """To become healthy after the recovery; a machine may have to boot."""


@dataclass(frozen=True)
class Stage:
    """Where and how trials are run."""

    pair: Pair
    pace: Pace
    patience: Patience
    random: Random


def run_trial(stage: Stage, scenario: Scenario, number: int) -> Trial:
    """Run one trial; raises TimedOut if the pair is not healthy at its start."""
    pair = stage.pair
    wait_until_settled(pair, stage.patience.settle)
    pair.state_changes.clear()
    with watching(pair, stage.pace) as watch:
        watch.until(
            lambda observations: is_healthy(pair, observations, stage.pace.answers, 0),
            f"{pair.first} to serve alone",
            limit=stage.patience.settle,
        )
        began = time.monotonic()
        # A random delay keeps the fault from being in step with advertisements, or with a script that runs every 2 s.
        time.sleep(LEAD + stage.random.uniform(0, 2 * profile_of(pair.cluster).advert))
        execution = _Execution(stage, scenario, watch)
        execution.run()
        time.sleep(TAIL)
        clock = Clock(began, execution.injected, execution.recovered, time.monotonic())
        observations = watch.finish()
    trial = assemble(pair, scenario, number, clock=clock, observations=observations, failures=execution.failures)
    return replace(trial, busy=execution.busy)


def wait_until_settled(pair: Pair, limit: float) -> None:
    """Wait until all daemons run on every node and an eligible node is master, which becomes the pair's first node."""
    pair.first = until(lambda: settled_master(pair), _settled_description(pair), limit=limit, every=SETTLED_SECONDS)


def settled_master(pair: Pair) -> str | None:
    """The master, if all daemons run on every node, it is eligible, and all other nodes are backups."""
    states = {name: pair.state(name) for name in pair.names}
    expected = [*["BACKUP"] * (len(pair.names) - 1), "MASTER"]
    masters = [name for name in _eligible_masters(pair) if states[name] == "MASTER"]
    return masters[0] if masters and sorted(states.values()) == expected else None


def _eligible_masters(pair: Pair) -> tuple[str, ...]:
    return pair.names[:1] if pair.cluster.vrrp.preempt else pair.names


def _settled_description(pair: Pair) -> str:
    return f"HAProxy to run on all nodes, {' or '.join(_eligible_masters(pair))} to be MASTER and all others BACKUP"


def is_served(observations: Observations, answers: int, since: float, before: float = math.inf) -> bool:
    """Whether each service gave enough good answers to requests sent between two times."""
    in_time = (sample for sample in observations.samples if since < sample.at < before)
    good = Counter(sample.probe for sample in in_time if analysis.is_good(sample))
    return all(good[probe] >= answers for probe in analysis.service_probes(observations.samples))


def every_probe_answered(observations: Observations, since: float) -> bool:
    """Whether each probe, not only those of services, got a good answer to a request sent after a time.

    If a full backlog dropped the SYN of a connection, the kernel sends it again a second later, so some probes take
    longer than others.
    """
    answered = {sample.probe for sample in observations.samples if sample.at > since and analysis.is_good(sample)}
    return answered == {sample.probe for sample in observations.samples}


def is_healthy(pair: Pair, observations: Observations, answers: int, since: float) -> bool:
    """Whether the right node alone holds the VIP and serves requests sent after it took the VIP and after `since`.

    Without preemption, any node is the right one.
    """
    holders = observations.holders()
    home = holders == (pair.first,) if pair.cluster.vrrp.preempt else len(holders) == 1
    start = max(since, observations.last_change())
    return home and is_served(observations, answers, start) and every_probe_answered(observations, start)


def has_moved(pair: Pair, observations: Observations, answers: int, since: float) -> bool:
    """Whether another node alone held the VIP and served requests during that time.

    The VIP may have returned already: a service manager may restart a killed daemon before we look.
    """
    holding = analysis.intervals(analysis.holder_changes(observations.holds, pair.vip))
    elsewhere = (
        (change.at, end) for change, end in holding if len(change.nodes) == 1 and pair.first not in change.nodes
    )
    return any(is_served(observations, answers, max(since, start), end) for start, end in elsewhere)


class _Execution:
    """Injects the fault, checks its effect, and recovers."""

    def __init__(self, stage: Stage, scenario: Scenario, watch: Watch) -> None:
        self._stage = stage
        self._pair = stage.pair
        self._answers = stage.pace.answers
        self._scenario = scenario
        self._effect = scenario.effect_in(profile_of(stage.pair.cluster), restarted=stage.pair.restarts_daemons)
        self._watch = watch
        self.failures: list[str] = []
        self.busy: dict[str, float] = {}
        self.injected = self.recovered = 0.0
        """When the injection and the recovery started."""

    def run(self) -> None:
        """Inject the fault and recover, whatever happens in between; an unreachable node is a failure of the trial."""
        try:
            self._attempt("the fault could not be injected", self._inject)
        finally:
            self.recovered = time.monotonic()
            recovered = self._attempt("the recovery failed", lambda: self._scenario.recover(self._pair))
        if recovered:
            self._wait(self._is_healthy, "healthy", self._stage.patience.recover)
            self._check_that_nothing_returns(self.recovered)
            self._check_that_all_run()

    def _attempt(self, what: str, act: Callable[[], None]) -> bool:
        """Whether the action succeeded."""
        try:
            act()
        except UserError as failure:
            self.failures.append(f"{what}: {failure.message}")
            return False
        return True

    def _inject(self) -> None:
        self.injected = time.monotonic()
        self._scenario.inject(self._pair)
        complete = time.monotonic()
        self._await_effect(self.injected)
        # The effect of a split brain on clients is measured while it exists.
        self._hold(time.monotonic() if self._effect is Effect.SPLIT_BRAIN else complete)
        self._check_effect(self.injected, complete)

    def _hold(self, since: float) -> None:
        """Let the fault last for its minimum duration."""
        time.sleep(max(0, since + self._scenario.hold - time.monotonic()))
        if self._scenario.is_load:
            self.busy = load_shares(self._pair)

    def _await_effect(self, injected: float) -> None:
        if self._effect is Effect.MOVES:
            self._wait(lambda seen: self._has_moved(seen, injected), "moved", self._stage.patience.effect)
        if self._effect is Effect.SERVED:
            time.sleep(classic_reaction(self._pair.cluster))
            self._wait(self._is_served_by_one, "served", self._stage.patience.effect)
        if self._effect is Effect.SPLIT_BRAIN:
            self._wait(lambda seen: len(seen.holders()) > 1, "split", self._stage.patience.effect)

    def _is_healthy(self, observations: Observations) -> bool:
        return is_healthy(self._pair, observations, self._answers, self.recovered)

    def _is_served_by_one(self, observations: Observations) -> bool:
        since = max(self.injected, observations.last_change())
        return len(observations.holders()) == 1 and is_served(observations, self._answers, since)

    def _has_moved(self, observations: Observations, injected: float) -> bool:
        return has_moved(self._pair, observations, self._answers, injected)

    def _check_effect(self, injected: float, complete: float) -> None:
        observations = self._watch.look()
        if self._effect is Effect.STAYS and observations.last_change() > injected:
            self.failures.append("the VIPs moved, although they should have stayed where they were")
        if self._effect is Effect.OUTAGE and is_served(
            observations, self._answers, complete + self._scenario.hold / 2
        ):
            self.failures.append("clients were served, although no node should have served before the recovery")

    def _check_that_nothing_returns(self, recovered: float) -> None:
        """Check that without preemption the VIPs stay on the node that took them."""
        if self._effect is not Effect.MOVES or self._pair.cluster.vrrp.preempt:
            return
        time.sleep(RETURN_ADVERTISEMENTS * profile_of(self._pair.cluster).advert)
        if self._watch.look().last_change() > recovered:
            self.failures.append("the VIPs moved back, although they should have stayed (preempt: false)")

    def _check_that_all_run(self) -> None:
        """Check all nodes, including those without a VIP: clients do not notice whether these have recovered."""
        limit = self._stage.patience.recover
        try:
            until(
                lambda: settled_master(self._pair),
                _settled_description(self._pair),
                limit=limit,
                every=SETTLED_SECONDS,
            )
        except TimedOut as late:
            self.failures.append(f"after the recovery: {late.message}")

    def _wait(self, happened: Callable[[Observations], bool], what: str, limit: float) -> None:
        try:
            self._watch.until(happened, what, limit=limit)
        except TimedOut:
            self.failures.append(f"{TIMEOUT_FAILURES[what]} within {limit:g} s")
