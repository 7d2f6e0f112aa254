"""A trial is assembled from the observations, with times counted from its start."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from builder.faults.analysis import Hold, Line, Observations, RecordReader
from builder.faults.model import HolderChange, Sample, Stall, StateChange, Trial
from builder.faults.pairs import Pair
from builder.faults.scenarios import all_scenarios
from builder.faults.watch import Clock, assemble
from tests.specs import quickstart

LB1, LB2 = "lb1.example.com", "lb2.example.com"
CLOCK = Clock(began=100, injected=101, recovered=105, ended=110)


class FakePair:
    """The parts of a pair that `assemble` uses."""

    cluster = quickstart()
    names = (LB1, LB2)
    first, vip = LB1, "192.168.56.10"
    instance = cluster.vrrp.all_instances[0]
    state_changes = (StateChange(101.2, LB1, "off"), StateChange(99, LB2, "off"))

    def __init__(self, logs: dict[str, str] | None = None) -> None:
        self.logs = logs or {}

    def history(self, since: float) -> tuple[list[StateChange], dict[str, str]]:
        assert since == CLOCK.began
        return [], self.logs


def assembled(seen: Observations, pair: FakePair | None = None) -> Trial:
    fake = cast("Pair", pair or FakePair())
    scenario = all_scenarios()["haproxy-killed"]
    return assemble(fake, scenario, 3, clock=CLOCK, observations=seen, failures=["something"])


def test_times_count_from_the_start_and_earlier_observations_are_dropped() -> None:
    seen = Observations(
        samples=[Sample(101, "http", True, LB1, 0.1, ""), Sample(99, "http", False, "", 0.1, "reset")],
        garps=[99.5, 103.0],
        stalls=[Stall("all", 102, 102.5), Stall("all", 98, 99)],
    )
    trial = assembled(seen)
    assert [sample.at for sample in trial.samples] == [1]
    assert trial.outages == ()
    assert trial.garps == (3,)
    assert trial.stalls == (Stall("all", 2, 2.5),)
    assert (trial.number, trial.injected_at, trial.recovered_at, trial.ended_at) == (3, 1, 5, 10)
    assert trial.failures == ("something",)


def test_the_holder_before_the_trial_is_the_holder_at_its_start() -> None:
    holds = [Hold(99, LB1, True), Hold(99, LB2, False), Hold(102, LB1, False), Hold(103, LB2, True)]
    trial = assembled(Observations(holds=holds))
    assert trial.holders == (
        HolderChange(0, "192.168.56.10", (LB1,)),
        HolderChange(2, "192.168.56.10", ()),
        HolderChange(3, "192.168.56.10", (LB2,)),
    )
    assert (trial.no_holder_s, trial.two_holders_s) == (1, 0)


def test_states_come_from_logs_and_from_actions() -> None:
    lines = [
        Line(101.3, LB2, "(VI_1) Entering MASTER STATE"),
        Line(101.4, LB2, "(VI_1) Entering MASTER STATE"),
        Line(101.5, LB2, "(VI_1) sending gratuitous ARP"),
        Line(106, LB1, "VRRP_Instance(VI_1) Entering BACKUP STATE"),
    ]
    found = [(moment.at, moment.node, moment.state) for moment in assembled(Observations(lines=lines)).states]
    assert found == [
        (0, LB1, "MASTER"),
        (0, LB2, "BACKUP"),
        (1.2, LB1, "off"),
        (1.3, LB2, "MASTER"),
        (6, LB1, "BACKUP"),
    ]


def test_logs_have_the_times_of_the_trial_and_a_journal_replaces_them() -> None:
    lines = [Line(99, LB1, "before"), Line(101.25, LB1, "said")]
    assert assembled(Observations(lines=lines)).logs == {LB1: "    1.250  said", LB2: ""}
    assert assembled(Observations(lines=lines), FakePair({LB1: "journal"})).logs == {LB1: "journal"}


def test_a_record_is_read_while_it_is_written(tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    record.write_text('["sample", 1.0, "http", true, "lb1", 0.1, ""]\n["holds", 1.0, "lb1", true]\n["holds", 2.0')
    reader = RecordReader(record)
    seen = reader.read()
    assert (len(seen.samples), seen.holders(), seen.last_change()) == (1, ("lb1",), 1.0)
    with record.open("a") as file:
        file.write(', "lb1", false]\n["garp", 2.5, "lb2"]\n["stall", 3.0, 3.5]\n["line", 3.6, "lb2", "said"]\n')
    seen = reader.read()
    assert (seen.holders(), seen.last_change(), seen.garps) == ((), 2.0, [2.5])
    assert seen.lines == [Line(3.6, "lb2", "said")]
