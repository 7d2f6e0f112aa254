"""What a trial waits for, and what it finds wrong, without a pair."""

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
    """A watch that has seen everything already."""

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
        cluster=cluster, names=(LB1, LB2), vip=vip, first=LB1, state=now.__getitem__, restarts=False
    )


def faults(effect: Effect, seen: Observations, *, preempt: bool = True) -> list[str]:
    """What the act of a scenario finds wrong, if this is all that is seen."""
    done: list[str] = []
    scenario = Scenario(
        "x", "x", "x.", inject=lambda _: done.append("fault"), recover=lambda _: done.append("recovery"),
        notice=Detection.NEVER, effect=effect,
    )  # fmt: skip
    which = pair() if preempt else pair(preempt=False)
    stage = Stage(which, Pace(rate=0.01), Patience(settle=1, effect=2, recover=3), Random(1))
    act = trial._Act(stage, scenario, Watched(seen))  # type: ignore[arg-type]
    act.run()
    assert done == ["fault", "recovery"]
    return act.faults


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time stands still before all samples, so that those are of after the fault and of after the recovery."""
    monkeypatch.setattr(trial.time, "monotonic", lambda: 0.0)
    monkeypatch.setattr(trial.time, "sleep", lambda _: None)


def test_a_pair_is_settled_when_the_right_node_is_master() -> None:
    which = pair()
    trial.settle(which, 1)
    assert which.first == LB1


def test_a_pair_that_is_not_well_is_waited_for_and_then_named() -> None:
    with pytest.raises(TimedOut, match=f"{LB1} to be MASTER and all others BACKUP"):
        trial.settle(pair(states={LB1: "FAULT", LB2: "MASTER"}), 0.01)


def test_without_preemption_whoever_is_master_is_the_first() -> None:
    which = pair(states={LB1: "BACKUP", LB2: "MASTER"}, preempt=False)
    trial.settle(which, 1)
    assert which.first == LB2


def test_served_means_answers_to_questions_of_after_a_moment() -> None:
    assert trial.is_served(Observations(samples=asked(1, 2)), 10, 0.5)
    assert not trial.is_served(Observations(samples=asked(1, 2)), 10, 1.95)
    assert trial.is_served(Observations(samples=asked(1, 2)), 4, 1.95)
    assert not trial.is_served(Observations(samples=asked(1, 2)), 10, 0.5, before=1.05)
    assert not trial.is_served(Observations(samples=lost(1, 2)), 10, 0.5)
    both = [*asked(1, 2), *lost(1, 2, probe="greeting")]
    assert not trial.is_served(Observations(samples=both), 10, 0.5)


def test_well_means_an_answer_to_each_probe() -> None:
    """A kept connection whose SYN was dropped by a full backlog is there a second later than the others."""
    holds = [Hold(0, LB1, True)]
    late = [*asked(1, 2), *asked(1, 1.5, probe="kept"), *lost(1.5, 2, probe="kept")]
    assert trial.is_well(pair(), Observations(samples=late, holds=holds), 10, 1)
    assert not trial.is_well(pair(), Observations(samples=late, holds=holds), 10, 1.6)


def test_a_move_counts_also_when_the_vip_is_back_before_anybody_looks() -> None:
    """A service manager starts a killed HAProxy again while the SSH connection that killed it still ends."""
    there_and_back = [Hold(0, LB1, True), Hold(1, LB1, False), Hold(1, LB2, True), Hold(2, LB2, False)]
    holds = [*there_and_back, Hold(2, LB1, True)]
    assert trial.has_moved(pair(), Observations(samples=asked(0, 3), holds=holds), 10, 0.5)
    assert not trial.has_moved(pair(), Observations(samples=asked(0, 3), holds=holds), 10, 1.95)
    unserved = [*asked(0, 1), *lost(1, 2), *asked(2, 3)]
    assert not trial.has_moved(pair(), Observations(samples=unserved, holds=holds), 10, 0.5)


def test_a_move_to_two_holders_is_none() -> None:
    holds = [Hold(0, LB1, True), Hold(1, LB2, True)]
    assert not trial.has_moved(pair(), Observations(samples=asked(0, 3), holds=holds), 10, 0.5)


@pytest.mark.usefixtures("still")
def test_a_fault_that_moves_the_vip_and_a_recovery_that_brings_it_back_cannot_be_the_same_sight() -> None:
    """Here only the move is seen, so the recovery is found wrong."""
    seen = Observations(samples=asked(2, 4), holds=[Hold(1, LB2, True)])
    (only,) = faults(Effect.MOVES, seen)
    assert only.startswith("the VIPs were not held by the one node that should hold them")
    assert only.endswith("within 3 s")


@pytest.mark.usefixtures("still")
def test_a_vip_that_does_not_move_is_found_wrong() -> None:
    seen = Observations(samples=asked(2, 4), holds=[Hold(-1, LB1, True)])
    assert faults(Effect.MOVES, seen) == [
        "the VIPs did not move to the other node and were not served there within 2 s"
    ]


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize(
    ("holds", "found"),
    [
        ([Hold(-1, LB1, True)], []),
        ([Hold(-1, LB1, True), Hold(1, LB1, False), Hold(1, LB2, True), Hold(2, LB2, False), Hold(2, LB1, True)], []),
        (
            [Hold(-1, LB1, True), Hold(1, LB2, True)],
            ["the VIPs were not held by one node alone and served there within 2 s"],
        ),
    ],
    ids=["stays", "moves and comes back", "two holders"],
)
def test_where_service_is_promised_the_vip_may_move_or_stay(holds: list[Hold], found: list[str]) -> None:
    assert [
        each for each in faults(Effect.SERVED, Observations(samples=asked(2, 4), holds=holds)) if "2 s" in each
    ] == found


@pytest.mark.usefixtures("still")
def test_where_service_is_promised_none_is_found_wrong() -> None:
    seen = Observations(samples=lost(1, 4), holds=[Hold(-1, LB1, True)])
    assert "the VIPs were not held by one node alone and served there within 2 s" in faults(Effect.SERVED, seen)


@pytest.mark.usefixtures("still")
def test_a_vip_that_moves_and_should_not_is_found_wrong() -> None:
    seen = Observations(samples=asked(4, 5), holds=[Hold(-1, LB1, True), Hold(2, LB1, False), Hold(3, LB1, True)])
    assert faults(Effect.STAYS, seen) == ["the VIPs were to stay where they are, and they did not"]
    assert faults(Effect.STAYS, Observations(samples=asked(4, 5), holds=[Hold(-1, LB1, True)])) == []


@pytest.mark.usefixtures("still")
def test_service_while_nobody_should_serve_is_found_wrong() -> None:
    seen = Observations(samples=asked(1, 2), holds=[Hold(-1, LB1, True)])
    assert faults(Effect.GONE, seen) == ["nobody was to serve until the recovery, and somebody did"]


@pytest.mark.usefixtures("still")
def test_a_split_brain_that_is_not_one_is_found_wrong() -> None:
    seen = Observations(samples=asked(1, 2), holds=[Hold(-1, LB1, True)])
    assert faults(Effect.SPLIT, seen) == ["the nodes did not both hold the VIPs within 2 s"]


def test_a_split_brain_lasts_from_when_it_is_one() -> None:
    class Late(Watched):
        def until(self, happened: Any, what: str, *, limit: float) -> None:
            time.sleep(0.1)
            super().until(happened, what, limit=limit)

    both = Observations(samples=asked(1, 2), holds=[Hold(0, LB1, True), Hold(0, LB2, True)])
    nothing: Any = lambda _: None  # noqa: E731 - two of one kind
    scenario = Scenario("x", "x", "x.", nothing, nothing, Detection.NEVER, effect=Effect.SPLIT, hold=0.1)
    stage = Stage(pair(), Pace(rate=0.01), Patience(1, 2, 3), Random(1))
    act = trial._Act(stage, scenario, Late(both))  # type: ignore[arg-type]
    act.run()
    assert act.recovered - act.injected >= 0.2


def test_a_backup_that_does_not_come_back_is_found_wrong() -> None:
    """Its clients would not tell."""
    which = pair(states={LB1: "MASTER", LB2: "off"})
    nothing: Any = lambda _: None  # noqa: E731 - two of one kind
    scenario = Scenario("x", "x", "x.", nothing, nothing, Detection.NEVER, effect=Effect.STAYS)
    stage = Stage(which, Pace(rate=0.01), Patience(settle=1, effect=1, recover=0.01), Random(1))
    now = time.monotonic()
    served = Observations(samples=asked(now + 1, now + 2), holds=[Hold(0, LB1, True)])
    act = trial._Act(stage, scenario, Watched(served))  # type: ignore[arg-type]
    act.run()
    (fault,) = act.faults
    assert fault.startswith("after the recovery the trial waited 0.01 s for HAProxy to run on all nodes")


@pytest.mark.usefixtures("still")
def test_without_preemption_a_vip_that_comes_back_is_found_wrong() -> None:
    seen = Observations(samples=asked(2, 4), holds=[Hold(1, LB2, True)])
    assert faults(Effect.MOVES, seen, preempt=False) == [
        "the VIPs were to stay where they had gone (preempt: false), and they did not"
    ]


@pytest.mark.usefixtures("still")
def test_the_recovery_is_done_whatever_happens_before() -> None:
    done: list[str] = []

    def broken(_: object) -> None:
        raise KeyboardInterrupt

    scenario = Scenario(
        "x", "x", "x.", inject=broken, recover=lambda _: done.append("recovery"), notice=Detection.NEVER
    )
    stage = Stage(pair(), Pace(rate=0.01), Patience(1, 2, 3), Random(1))
    with pytest.raises(KeyboardInterrupt):
        trial._Act(stage, scenario, Watched(Observations())).run()  # type: ignore[arg-type]
    assert done == ["recovery"]
    assert time.monotonic() == 0


@pytest.mark.usefixtures("still")
def test_a_node_that_cannot_be_reached_is_a_fault_of_the_trial_and_no_end_of_the_run() -> None:
    def unreached(_: object) -> None:
        raise UserError("lb1 does not answer")

    scenario = Scenario("x", "x", "x.", inject=unreached, recover=unreached, notice=Detection.NEVER)
    stage = Stage(pair(), Pace(rate=0.01), Patience(1, 2, 3), Random(1))
    act = trial._Act(stage, scenario, Watched(Observations()))  # type: ignore[arg-type]
    act.run()
    assert act.faults == [
        "the fault could not be made: lb1 does not answer",
        "the recovery could not be made: lb1 does not answer",
    ]
