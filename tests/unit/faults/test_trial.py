"""What a trial waits for, and which failures it reports, without a pair."""

from __future__ import annotations

import time
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from builder.core.errors import TimedOut, UserError
from builder.faults import trial
from builder.faults.analysis import Hold, Observations
from builder.faults.scenarios import Detection, Effect, Scenario
from builder.faults.trial import Patience, Stage
from builder.faults.watch import Pace
from tests.specs import of_profile, quickstart
from tests.unit.faults.trials import asked, lost

LB1, LB2 = "lb1.example.com", "lb2.example.com"
STATES = {LB1: "MASTER", LB2: "BACKUP"}


class Watched:
    """A watch that already has all observations."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen

    def look(self) -> Observations:
        return self.seen

    def until(self, happened: Any, what: str, *, limit: float) -> None:
        if not happened(self.seen):
            raise TimedOut(f"waited {limit:g} s for {what}")


def pair(profile: str = "fast", states: dict[str, str] | None = None, **vrrp: object) -> Any:
    cluster = quickstart(vrrp={"profile": profile, **vrrp}) if vrrp else of_profile(profile)
    now = states or STATES
    vip = str(cluster.vrrp.vips[0])
    return SimpleNamespace(
        cluster=cluster, names=(LB1, LB2), vip=vip, first=LB1, state=now.__getitem__, restarts_daemons=False
    )


def failures(effect: Effect, seen: Observations, *, preempt: bool = True) -> list[str]:
    """The failures that a scenario reports, given these observations."""
    done: list[str] = []
    scenario = Scenario(
        "x", "x", "x.", inject=lambda _: done.append("fault"), recover=lambda _: done.append("recovery"),
        detection=Detection.NONE, effect=effect,
    )  # fmt: skip
    which = pair() if preempt else pair(preempt=False)
    stage = Stage(which, Pace(rate=0.01), Patience(settle=1, effect=2, recover=3), Random(1))
    act = trial._Execution(stage, scenario, Watched(seen))  # type: ignore[arg-type]
    act.run()
    assert done == ["fault", "recovery"]
    return act.failures


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock before all samples, so that they follow both the fault and the recovery."""
    monkeypatch.setattr(trial.time, "monotonic", lambda: 0.0)
    monkeypatch.setattr(trial.time, "sleep", lambda _: None)


def test_a_pair_is_settled_when_the_right_node_is_master() -> None:
    which = pair()
    trial.wait_until_settled(which, 1)
    assert which.first == LB1


def test_a_pair_that_does_not_settle_in_time_is_reported() -> None:
    with pytest.raises(TimedOut, match=f"{LB1} to be MASTER and all others BACKUP"):
        trial.wait_until_settled(pair(states={LB1: "FAULT", LB2: "MASTER"}), 0.01)


def test_without_preemption_the_current_master_becomes_the_first_node() -> None:
    which = pair(states={LB1: "BACKUP", LB2: "MASTER"}, preempt=False)
    trial.wait_until_settled(which, 1)
    assert which.first == LB2


def test_served_means_answers_to_requests_within_a_period() -> None:
    assert trial.is_served(Observations(samples=asked(1, 2)), 10, 0.5)
    assert not trial.is_served(Observations(samples=asked(1, 2)), 10, 1.95)
    assert trial.is_served(Observations(samples=asked(1, 2)), 4, 1.95)
    assert not trial.is_served(Observations(samples=asked(1, 2)), 10, 0.5, before=1.05)
    assert not trial.is_served(Observations(samples=lost(1, 2)), 10, 0.5)
    both = [*asked(1, 2), *lost(1, 2, probe="greeting")]
    assert not trial.is_served(Observations(samples=both), 10, 0.5)


def test_healthy_means_an_answer_to_every_probe() -> None:
    """If a full backlog drops the SYN of a persistent connection, the connection is established a second late."""
    holds = [Hold(0, LB1, True)]
    late = [*asked(1, 2), *asked(1, 1.5, probe="kept"), *lost(1.5, 2, probe="kept")]
    assert trial.is_healthy(pair(), Observations(samples=late, holds=holds), 10, 1)
    assert not trial.is_healthy(pair(), Observations(samples=late, holds=holds), 10, 1.6)


def test_a_move_counts_even_if_the_vip_has_already_returned() -> None:
    """A service manager may restart HAProxy before the SSH connection that killed it has ended."""
    there_and_back = [Hold(0, LB1, True), Hold(1, LB1, False), Hold(1, LB2, True), Hold(2, LB2, False)]
    holds = [*there_and_back, Hold(2, LB1, True)]
    assert trial.has_moved(pair(), Observations(samples=asked(0, 3), holds=holds), 10, 0.5)
    assert not trial.has_moved(pair(), Observations(samples=asked(0, 3), holds=holds), 10, 1.95)
    unserved = [*asked(0, 1), *lost(1, 2), *asked(2, 3)]
    assert not trial.has_moved(pair(), Observations(samples=unserved, holds=holds), 10, 0.5)


def test_a_move_to_two_holders_does_not_count() -> None:
    holds = [Hold(0, LB1, True), Hold(1, LB2, True)]
    assert not trial.has_moved(pair(), Observations(samples=asked(0, 3), holds=holds), 10, 0.5)


@pytest.mark.usefixtures("still")
def test_the_same_observation_cannot_show_both_the_move_and_the_return() -> None:
    """Here only the move is observed, so the recovery is reported as a failure."""
    seen = Observations(samples=asked(2, 4), holds=[Hold(1, LB2, True)])
    (only,) = failures(Effect.MOVES, seen)
    assert only.startswith("the VIPs did not return to the one node that should hold them")
    assert only.endswith("within 3 s")


@pytest.mark.usefixtures("still")
def test_a_vip_that_does_not_move_is_a_failure() -> None:
    seen = Observations(samples=asked(2, 4), holds=[Hold(-1, LB1, True)])
    assert failures(Effect.MOVES, seen) == [
        "the VIPs did not move to the other node, or were not served there, within 2 s"
    ]


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize(
    ("holds", "found"),
    [
        ([Hold(-1, LB1, True)], []),
        ([Hold(-1, LB1, True), Hold(1, LB1, False), Hold(1, LB2, True), Hold(2, LB2, False), Hold(2, LB1, True)], []),
        (
            [Hold(-1, LB1, True), Hold(1, LB2, True)],
            ["the VIPs were not held and served by exactly one node within 2 s"],
        ),
    ],
    ids=["stays", "moves and comes back", "two holders"],
)
def test_if_only_service_is_promised_the_vip_may_move_or_stay(holds: list[Hold], found: list[str]) -> None:
    assert [
        each for each in failures(Effect.SERVED, Observations(samples=asked(2, 4), holds=holds)) if "2 s" in each
    ] == found


@pytest.mark.usefixtures("still")
def test_if_service_is_promised_its_absence_is_a_failure() -> None:
    seen = Observations(samples=lost(1, 4), holds=[Hold(-1, LB1, True)])
    assert "the VIPs were not held and served by exactly one node within 2 s" in failures(Effect.SERVED, seen)


@pytest.mark.usefixtures("still")
def test_a_vip_that_moves_although_it_should_stay_is_a_failure() -> None:
    seen = Observations(samples=asked(4, 5), holds=[Hold(-1, LB1, True), Hold(2, LB1, False), Hold(3, LB1, True)])
    assert failures(Effect.STAYS, seen) == ["the VIPs moved, although they should have stayed where they were"]
    assert failures(Effect.STAYS, Observations(samples=asked(4, 5), holds=[Hold(-1, LB1, True)])) == []


@pytest.mark.usefixtures("still")
def test_service_during_an_expected_outage_is_a_failure() -> None:
    seen = Observations(samples=asked(1, 2), holds=[Hold(-1, LB1, True)])
    assert failures(Effect.OUTAGE, seen) == [
        "clients were served, although no node should have served before the recovery"
    ]


@pytest.mark.usefixtures("still")
def test_a_missing_split_brain_is_a_failure() -> None:
    seen = Observations(samples=asked(1, 2), holds=[Hold(-1, LB1, True)])
    assert failures(Effect.SPLIT_BRAIN, seen) == ["the nodes did not both hold the VIPs within 2 s"]


def test_the_duration_of_a_split_brain_starts_when_both_nodes_hold_the_vip() -> None:
    class Late(Watched):
        def until(self, happened: Any, what: str, *, limit: float) -> None:
            time.sleep(0.1)
            super().until(happened, what, limit=limit)

    both = Observations(samples=asked(1, 2), holds=[Hold(0, LB1, True), Hold(0, LB2, True)])
    nothing: Any = lambda _: None  # noqa: E731 - two of one kind
    scenario = Scenario("x", "x", "x.", nothing, nothing, Detection.NONE, effect=Effect.SPLIT_BRAIN, hold=0.1)
    stage = Stage(pair(), Pace(rate=0.01), Patience(1, 2, 3), Random(1))
    act = trial._Execution(stage, scenario, Late(both))  # type: ignore[arg-type]
    act.run()
    assert act.recovered - act.injected >= 0.2


def test_a_backup_that_does_not_return_is_a_failure() -> None:
    """Clients do not notice it."""
    which = pair(states={LB1: "MASTER", LB2: "off"})
    nothing: Any = lambda _: None  # noqa: E731 - two of one kind
    scenario = Scenario("x", "x", "x.", nothing, nothing, Detection.NONE, effect=Effect.STAYS)
    stage = Stage(which, Pace(rate=0.01), Patience(settle=1, effect=1, recover=0.01), Random(1))
    now = time.monotonic()
    served = Observations(samples=asked(now + 1, now + 2), holds=[Hold(0, LB1, True)])
    act = trial._Execution(stage, scenario, Watched(served))  # type: ignore[arg-type]
    act.run()
    (failure,) = act.failures
    assert failure.startswith("after the recovery: waited 0.01 s for HAProxy to run on all nodes")


@pytest.mark.usefixtures("still")
def test_without_preemption_a_vip_that_returns_is_a_failure() -> None:
    seen = Observations(samples=asked(2, 4), holds=[Hold(1, LB2, True)])
    assert failures(Effect.MOVES, seen, preempt=False) == [
        "the VIPs moved back, although they should have stayed (preempt: false)"
    ]


@pytest.mark.usefixtures("still")
def test_the_recovery_runs_whatever_happens_before() -> None:
    done: list[str] = []

    def broken(_: object) -> None:
        raise KeyboardInterrupt

    scenario = Scenario(
        "x", "x", "x.", inject=broken, recover=lambda _: done.append("recovery"), detection=Detection.NONE
    )
    stage = Stage(pair(), Pace(rate=0.01), Patience(1, 2, 3), Random(1))
    with pytest.raises(KeyboardInterrupt):
        trial._Execution(stage, scenario, Watched(Observations())).run()  # type: ignore[arg-type]
    assert done == ["recovery"]
    assert time.monotonic() == 0


@pytest.mark.usefixtures("still")
def test_an_unreachable_node_is_a_failure_of_the_trial_and_does_not_end_the_run() -> None:
    def unreached(_: object) -> None:
        raise UserError("lb1 does not answer")

    scenario = Scenario("x", "x", "x.", inject=unreached, recover=unreached, detection=Detection.NONE)
    stage = Stage(pair(), Pace(rate=0.01), Patience(1, 2, 3), Random(1))
    act = trial._Execution(stage, scenario, Watched(Observations()))  # type: ignore[arg-type]
    act.run()
    assert act.failures == [
        "the fault could not be injected: lb1 does not answer",
        "the recovery failed: lb1 does not answer",
    ]
