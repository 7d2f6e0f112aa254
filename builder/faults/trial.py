"""One trial: all is well, the fault, what it does, the recovery, all is well again; watched from the clients' side."""

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
from builder.faults.watch import Clock, Pace, Watch, assemble, shares, watching
from builder.spec.features import profile_of

LEAD, TAIL = 0.3, 0.3
SETTLED_SECONDS = 0.1
RETURN_ADVERTISEMENTS = 5
"""After so many a node that wanted the VIPs back would have them: three, its skew, and some room."""


@dataclass(frozen=True)
class Patience:
    """How long a pair may take, in seconds."""

    settle: float
    """To be well before a trial."""
    effect: float
    """To show a fault's effect."""
    recover: float
    """To be well again; a machine has to boot."""


@dataclass(frozen=True)
class Stage:
    """Where and how trials are run."""

    pair: Pair
    pace: Pace
    patience: Patience
    random: Random


def run_trial(stage: Stage, scenario: Scenario, number: int) -> Trial:
    """One trial; raises TimedOut where the pair is not well before it begins."""
    pair = stage.pair
    settle(pair, stage.patience.settle)
    pair.moments.clear()
    with watching(pair, stage.pace) as watch:
        watch.until(
            lambda seen: is_well(pair, seen, stage.pace.answers, 0),
            f"{pair.first} to serve alone",
            limit=stage.patience.settle,
        )
        began = time.monotonic()
        # The fault must not keep step with advertisements, or with a script that looks every 2 seconds.
        time.sleep(LEAD + stage.random.uniform(0, 2 * profile_of(pair.cluster).advert))
        act = _Act(stage, scenario, watch)
        act.run()
        time.sleep(TAIL)
        clock = Clock(began, act.injected, act.recovered, time.monotonic())
        seen = watch.finish()
    made = assemble(pair, scenario, number, clock=clock, seen=seen, faults=act.faults)
    return replace(made, busy=act.busy)


def settle(pair: Pair, limit: float) -> None:
    """Wait until every node runs all that it should, and one that may be master is; that one is the pair's first."""
    pair.first = until(lambda: settled(pair), _settling(pair), limit=limit, every=SETTLED_SECONDS)


def settled(pair: Pair) -> str | None:
    """The master, if every node runs all that it should and that one may be it."""
    states = {name: pair.state(name) for name in pair.names}
    wanted = [*["BACKUP"] * (len(pair.names) - 1), "MASTER"]
    masters = [name for name in _may_be_master(pair) if states[name] == "MASTER"]
    return masters[0] if masters and sorted(states.values()) == wanted else None


def _may_be_master(pair: Pair) -> tuple[str, ...]:
    return pair.names[:1] if pair.cluster.vrrp.preempt else pair.names


def _settling(pair: Pair) -> str:
    return f"HAProxy to run on all nodes, {' or '.join(_may_be_master(pair))} to be MASTER and all others BACKUP"


def is_served(seen: Observations, answers: int, since: float, before: float = math.inf) -> bool:
    """Whether so many questions that were sent after a moment, and before another, have been answered."""
    asked = (sample for sample in seen.samples if since < sample.at < before)
    good = Counter(sample.probe for sample in asked if analysis.is_good(sample))
    return all(good[probe] >= answers for probe in analysis.service_probes(seen.samples))


def is_heard(seen: Observations, since: float) -> bool:
    """Whether each probe, not only those of a service, has had an answer to a question after a moment.

    A connection whose SYN was dropped by a full backlog tries again a second later, so some need longer than others.
    """
    heard = {sample.probe for sample in seen.samples if sample.at > since and analysis.is_good(sample)}
    return heard == {sample.probe for sample in seen.samples}


def is_well(pair: Pair, seen: Observations, answers: int, since: float) -> bool:
    """Whether the node that should holds the VIP alone, and questions after a moment and after its coming are served.

    Without pre-emption that is any node.
    """
    holders = seen.holders()
    home = holders == (pair.first,) if pair.cluster.vrrp.preempt else len(holders) == 1
    asked_after = max(since, seen.last_change())
    return home and is_served(seen, answers, asked_after) and is_heard(seen, asked_after)


def has_moved(pair: Pair, seen: Observations, answers: int, since: float) -> bool:
    """Whether another node alone has held the VIP, and questions of that time were answered.

    It may have given it back by now: a service manager has started again what was killed, before anybody looked.
    """
    stays = analysis.stays(analysis.holder_moments(seen.holds, pair.vip))
    elsewhere = ((begun.at, end) for begun, end in stays if len(begun.nodes) == 1 and pair.first not in begun.nodes)
    return any(is_served(seen, answers, max(since, start), end) for start, end in elsewhere)


class _Act:
    """The fault, what must come of it, and the recovery."""

    def __init__(self, stage: Stage, scenario: Scenario, watch: Watch) -> None:
        self._stage = stage
        self._pair = stage.pair
        self._answers = stage.pace.answers
        self._scenario = scenario
        self._effect = scenario.effect_in(profile_of(stage.pair.cluster), restarted=stage.pair.restarts)
        self._watch = watch
        self.faults: list[str] = []
        self.busy: dict[str, float] = {}
        self.injected = self.recovered = 0.0
        """When each was begun."""

    def run(self) -> None:
        """Break and mend. The recovery is done whatever happens before; a node that cannot be reached is a fault."""
        try:
            self._do("the fault could not be made", self._break)
        finally:
            self.recovered = time.monotonic()
            mended = self._do("the recovery could not be made", lambda: self._scenario.recover(self._pair))
        if mended:
            self._wait(self._is_well, "well", self._stage.patience.recover)
            self._check_that_nothing_comes_back(self.recovered)
            self._check_that_all_run()

    def _do(self, what: str, act: Callable[[], None]) -> bool:
        """Whether it could be done."""
        try:
            act()
        except UserError as failure:
            self.faults.append(f"{what}: {failure.message}")
            return False
        return True

    def _break(self) -> None:
        self.injected = time.monotonic()
        self._scenario.inject(self._pair)
        broken = time.monotonic()
        self._await_effect(self.injected)
        # What a split brain does to clients is seen while there is one.
        self._hold(time.monotonic() if self._effect is Effect.SPLIT else broken)
        self._check_effect(self.injected, broken)

    def _hold(self, since: float) -> None:
        """Let the fault last as long as it should."""
        time.sleep(max(0, since + self._scenario.hold - time.monotonic()))
        if self._scenario.is_load:
            self.busy = shares(self._pair)

    def _await_effect(self, injected: float) -> None:
        if self._effect is Effect.MOVES:
            self._wait(lambda seen: self._has_moved(seen, injected), "moved", self._stage.patience.effect)
        if self._effect is Effect.SERVED:
            time.sleep(classic_reaction(self._pair.cluster))
            self._wait(self._is_served_by_one, "served", self._stage.patience.effect)
        if self._effect is Effect.SPLIT:
            self._wait(lambda seen: len(seen.holders()) > 1, "split", self._stage.patience.effect)

    def _is_well(self, seen: Observations) -> bool:
        return is_well(self._pair, seen, self._answers, self.recovered)

    def _is_served_by_one(self, seen: Observations) -> bool:
        since = max(self.injected, seen.last_change())
        return len(seen.holders()) == 1 and is_served(seen, self._answers, since)

    def _has_moved(self, seen: Observations, injected: float) -> bool:
        return has_moved(self._pair, seen, self._answers, injected)

    def _check_effect(self, injected: float, broken: float) -> None:
        seen = self._watch.look()
        if self._effect is Effect.STAYS and seen.last_change() > injected:
            self.faults.append("the VIPs were to stay where they are, and they did not")
        if self._effect is Effect.GONE and is_served(seen, self._answers, broken + self._scenario.hold / 2):
            self.faults.append("nobody was to serve until the recovery, and somebody did")

    def _check_that_nothing_comes_back(self, recovered: float) -> None:
        """Without pre-emption."""
        if self._effect is not Effect.MOVES or self._pair.cluster.vrrp.preempt:
            return
        time.sleep(RETURN_ADVERTISEMENTS * profile_of(self._pair.cluster).advert)
        if self._watch.look().last_change() > recovered:
            self.faults.append("the VIPs were to stay where they had gone (preempt: false), and they did not")

    def _check_that_all_run(self) -> None:
        """Also the nodes that hold nothing: clients do not feel whether they are back."""
        limit = self._stage.patience.recover
        try:
            until(lambda: settled(self._pair), _settling(self._pair), limit=limit, every=SETTLED_SECONDS)
        except TimedOut as late:
            self.faults.append(f"after the recovery the trial {late.message}")

    def _wait(self, happened: Callable[[Observations], bool], what: str, limit: float) -> None:
        try:
            self._watch.until(happened, what, limit=limit)
        except TimedOut:
            self.faults.append(f"{LATE[what]} within {limit:g} s")


LATE = {
    "moved": "the VIPs did not move to the other node and were not served there",
    "served": "the VIPs were not held by one node alone and served there",
    "split": "the nodes did not both hold the VIPs",
    "well": "the VIPs were not held by the one node that should hold them, or were not served there,",
}
