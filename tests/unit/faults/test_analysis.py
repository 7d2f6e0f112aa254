"""Outages from samples: known ones, and those that fool naive code."""

from __future__ import annotations

import pytest

from builder.faults import analysis
from builder.faults.analysis import Hold
from builder.faults.model import HolderMoment, Sample, Spread, Stall
from tests.unit.faults.trials import LATENCY, RATE, asked, lost, recorded, trial

VIP = "192.168.56.10"


def found(samples: list[Sample], stalls: list[Stall] | None = None) -> list[tuple[float, float | None, int]]:
    return [(each.start, each.end, each.lost) for each in analysis.outages(samples, stalls or [])]


def test_no_failure_is_no_outage() -> None:
    assert found(asked(0, 3)) == []


def test_an_outage_is_from_the_last_good_answer_to_the_first_good_one_after() -> None:
    samples = [*asked(0, 1), *lost(1, 2), *asked(2, 3)]
    assert found(samples) == [(pytest.approx(1 - RATE + LATENCY), pytest.approx(2 + LATENCY), 100)]


def test_the_order_in_which_answers_were_noted_does_not_matter() -> None:
    samples = [*asked(0, 1), *lost(1, 2), *asked(2, 3)]
    assert found(samples[::-1]) == found(samples)


def test_a_failure_until_the_end_has_no_end() -> None:
    samples = [*asked(0, 1), *lost(1, 3)]
    assert found(samples) == [(pytest.approx(1 - RATE + LATENCY), None, 200)]
    assert analysis.of_fault(trial(samples, recovered_at=None, ended_at=3), "http") == pytest.approx(2.008)


def test_a_failure_from_the_beginning_begins_with_its_first_question() -> None:
    assert found([*lost(0, 1), *asked(1, 2)]) == [(0, pytest.approx(1 + LATENCY), 100)]


def test_two_separate_outages_are_two_and_the_longest_counts() -> None:
    samples = [*asked(0, 1), *lost(1, 1.2), *asked(1.2, 2), *lost(2, 2.5), *asked(2.5, 3)]
    assert [count for _, _, count in found(samples)] == [20, 50]
    assert analysis.of_fault(trial(samples), "http") == pytest.approx(0.51)


def test_outages_of_one_probe_that_overlap_are_one() -> None:
    """A good answer that was overtaken lies between two resets."""
    samples = [
        *asked(0, 0.2),
        Sample(0.20, "http", False, "lb1", 0.03, "reset"),
        Sample(0.201, "http", True, "lb2", 0.03, ""),
        Sample(0.202, "http", False, "lb1", 0.03, "reset"),
        *asked(0.21, 0.5),
    ]
    (only,) = analysis.outages(samples, [])
    assert (only.lost, only.reset) == (2, 2)


def test_resets_are_counted() -> None:
    samples = [*asked(0, 1), *asked(1, 1.05, fault="reset"), *asked(1.05, 1.1, fault="refused"), *asked(1.1, 2)]
    (only,) = analysis.outages(samples, [])
    assert (only.lost, only.reset) == (10, 5)


def test_each_probe_has_outages_of_its_own() -> None:
    samples = [*asked(0, 3, probe="ping"), *asked(0, 1), *lost(1, 2), *asked(2, 3)]
    assert {each.probe for each in analysis.outages(samples, [])} == {"http"}


def test_an_answer_that_takes_long_is_none() -> None:
    samples = [*asked(0, 1), *asked(1, 1.5, latency=0.7), *asked(1.5, 2)]
    assert [count for _, _, count in found(samples)] == [50]


def test_a_probe_that_was_not_run_saw_no_outage() -> None:
    samples, stall = [*asked(0, 1), *asked(2, 3)], Stall("all", 1, 2)
    assert found(samples, [stall]) == []


def test_a_question_that_ran_out_of_time_while_the_probe_stood_still_tells_nothing() -> None:
    waiting = Sample(0.99, "http", False, "", 1.01, "timeout")
    samples, stall = [*asked(0, 0.99), waiting, *asked(2, 3)], Stall("all", 1, 2)
    assert found(samples, [stall]) == []
    assert len(found(samples)) == 1


def test_many_short_stalls_hide_nothing() -> None:
    stalls = [Stall("all", 0.9 + number / 20, 0.93 + number / 20) for number in range(20)]
    samples = [*asked(0, 1), *lost(1, 2), *asked(2, 3)]
    (only,) = analysis.outages(samples, stalls)
    assert only.lost == 100


def test_a_reset_is_believed_whatever_the_probe_did() -> None:
    samples = [*asked(0, 1), Sample(1, "http", False, "", 1.0, "reset"), *asked(2, 3)]
    assert len(found(samples, [Stall("all", 1.01, 1.99)])) == 1


def test_a_stall_at_the_end_of_an_outage_is_not_counted_as_outage() -> None:
    """It may have ended at any moment of the stall."""
    samples, stall = [*asked(0, 1), *lost(1, 1.2), *asked(1.7, 3)], Stall("all", 1.2, 1.7)
    ((start, end, _),) = found(samples, [stall])
    assert end is not None
    assert end - start == pytest.approx(0.21)


def test_a_stall_within_an_outage_is() -> None:
    samples, stall = [*asked(0, 1), *lost(1, 1.2), *lost(1.7, 2), *asked(2, 3)], Stall("all", 1.2, 1.7)
    ((start, end, _),) = found(samples, [stall])
    assert end is not None
    assert end - start == pytest.approx(1.01)


def test_an_outage_is_split_at_the_recovery() -> None:
    samples = [*asked(0, 1), *lost(1, 6), *asked(6, 8)]
    assert analysis.of_fault(trial(samples, recovered_at=5), "http") == pytest.approx(4.008)
    assert analysis.of_recovery(trial(samples, recovered_at=5), "http") == pytest.approx(1.002)


def test_a_recorded_classic_failover_is_seconds_long_and_a_ping_does_not_see_it() -> None:
    seen = recorded("classic-haproxy-killed")
    (only,) = analysis.outages(seen.samples, seen.stalls)
    assert only.probe == "http"
    assert only.end is not None
    assert only.end - only.start == pytest.approx(4.72, abs=0.05)


def test_a_recorded_cut_cable_is_seen_by_every_probe() -> None:
    seen = recorded("fast-link-cut")
    lengths = {each.probe: (each.end or 0) - each.start for each in analysis.outages(seen.samples, seen.stalls)}
    assert lengths == {"http": pytest.approx(0.31, abs=0.02), "ping": pytest.approx(0.29, abs=0.02)}


def test_the_worst_probe_of_a_service_counts_and_ping_and_connections_do_not() -> None:
    samples = [
        *asked(0, 1, probe="ping"), *lost(1, 4, probe="ping"), *asked(4, 6, probe="ping"),
        *asked(0, 1), *lost(1, 2), *asked(2, 6),
        *asked(0, 1, probe="greeting"), *lost(1, 3, probe="greeting"), *asked(3, 6, probe="greeting"),
    ]  # fmt: skip
    assert analysis.service(analysis.of_fault, trial(samples)) == pytest.approx(2.01)


def test_without_a_service_that_can_be_asked_connecting_counts() -> None:
    assert analysis.service_probes([*asked(0, 1, probe="ping"), *asked(0, 1, probe="tcp")]) == ("tcp",)


@pytest.mark.parametrize(
    ("values", "spread"),
    [
        ([3.0], Spread(3, 3, 3)),
        ([1.0, 2.0, 4.0], Spread(2, 4, 4)),
        ([1.0, 2.0, 3.0, 4.0], Spread(2.5, 4, 4)),
        ([float(number) for number in range(1, 101)], Spread(50.5, 95, 100)),
    ],
)
def test_median_p95_and_worst(values: list[float], spread: Spread) -> None:
    assert analysis.spread(values[::-1]) == spread


def test_holders_follow_from_what_each_node_began_and_ceased_to_hold() -> None:
    holds = [
        Hold(-1, "lb1", True),
        Hold(-1, "lb2", False),
        Hold(2, "lb1", False),
        Hold(3, "lb2", True),
        Hold(4, "lb1", True),
    ]
    moments = analysis.holder_moments(holds, VIP)
    assert moments == (
        HolderMoment(0, VIP, ("lb1",)),
        HolderMoment(2, VIP, ()),
        HolderMoment(3, VIP, ("lb2",)),
        HolderMoment(4, VIP, ("lb1", "lb2")),
    )
    assert analysis.time_with(moments, 10, lambda count: count == 0) == 1
    assert analysis.time_with(moments, 10, lambda count: count > 1) == 6


def test_without_anything_seen_nobody_holds_the_vip() -> None:
    assert analysis.holder_moments([], VIP) == (HolderMoment(0, VIP, ()),)
