"""Outages computed from samples: known ones, and those that mislead naive code."""

from __future__ import annotations

import pytest

from builder.faults import analysis
from builder.faults.analysis import Hold
from builder.faults.model import HolderChange, Sample, Spread, Stall
from tests.unit.faults.trials import LATENCY, RATE, asked, lost, recorded, trial

VIP = "192.168.56.10"


def found(samples: list[Sample], stalls: list[Stall] | None = None) -> list[tuple[float, float | None, int]]:
    return [(each.start, each.end, each.lost) for each in analysis.outages(samples, stalls or [])]


def test_good_answers_are_no_outage() -> None:
    assert found(asked(0, 3)) == []


def test_an_outage_lasts_from_the_last_good_answer_to_the_next_one() -> None:
    samples = [*asked(0, 1), *lost(1, 2), *asked(2, 3)]
    assert found(samples) == [(pytest.approx(1 - RATE + LATENCY), pytest.approx(2 + LATENCY), 100)]


def test_the_order_of_the_record_does_not_matter() -> None:
    samples = [*asked(0, 1), *lost(1, 2), *asked(2, 3)]
    assert found(samples[::-1]) == found(samples)


def test_an_outage_until_the_end_of_the_trial_has_no_end() -> None:
    samples = [*asked(0, 1), *lost(1, 3)]
    assert found(samples) == [(pytest.approx(1 - RATE + LATENCY), None, 200)]
    assert analysis.fault_outage(trial(samples, recovered_at=None, ended_at=3), "http") == pytest.approx(2.008)


def test_an_outage_from_the_beginning_starts_with_the_first_request() -> None:
    assert found([*lost(0, 1), *asked(1, 2)]) == [(0, pytest.approx(1 + LATENCY), 100)]


def test_separate_outages_are_not_merged_and_the_longest_counts() -> None:
    samples = [*asked(0, 1), *lost(1, 1.2), *asked(1.2, 2), *lost(2, 2.5), *asked(2.5, 3)]
    assert [count for _, _, count in found(samples)] == [20, 50]
    assert analysis.fault_outage(trial(samples), "http") == pytest.approx(0.51)


def test_overlapping_outages_of_one_probe_are_merged() -> None:
    """Between two resets there is a good answer that was overtaken."""
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
    samples = [*asked(0, 1), *asked(1, 1.05, error="reset"), *asked(1.05, 1.1, error="refused"), *asked(1.1, 2)]
    (only,) = analysis.outages(samples, [])
    assert (only.lost, only.reset) == (10, 5)


def test_each_probe_has_its_own_outages() -> None:
    samples = [*asked(0, 3, probe="ping"), *asked(0, 1), *lost(1, 2), *asked(2, 3)]
    assert {each.probe for each in analysis.outages(samples, [])} == {"http"}


def test_a_slow_answer_does_not_count() -> None:
    samples = [*asked(0, 1), *asked(1, 1.5, latency=0.7), *asked(1.5, 2)]
    assert [count for _, _, count in found(samples)] == [50]


def test_a_stall_is_not_an_outage() -> None:
    samples, stall = [*asked(0, 1), *asked(2, 3)], Stall("all", 1, 2)
    assert found(samples, [stall]) == []


def test_a_request_that_timed_out_during_a_stall_is_inconclusive() -> None:
    waiting = Sample(0.99, "http", False, "", 1.01, "timeout")
    samples, stall = [*asked(0, 0.99), waiting, *asked(2, 3)], Stall("all", 1, 2)
    assert found(samples, [stall]) == []
    assert len(found(samples)) == 1


def test_many_short_stalls_do_not_hide_an_outage() -> None:
    stalls = [Stall("all", 0.9 + number / 20, 0.93 + number / 20) for number in range(20)]
    samples = [*asked(0, 1), *lost(1, 2), *asked(2, 3)]
    (only,) = analysis.outages(samples, stalls)
    assert only.lost == 100


def test_a_reset_during_a_stall_counts() -> None:
    samples = [*asked(0, 1), Sample(1, "http", False, "", 1.0, "reset"), *asked(2, 3)]
    assert len(found(samples, [Stall("all", 1.01, 1.99)])) == 1


def test_a_stall_at_the_end_of_an_outage_is_not_counted() -> None:
    """The outage may have ended at any time during the stall."""
    samples, stall = [*asked(0, 1), *lost(1, 1.2), *asked(1.7, 3)], Stall("all", 1.2, 1.7)
    ((start, end, _),) = found(samples, [stall])
    assert end is not None
    assert end - start == pytest.approx(0.21)


def test_a_stall_within_an_outage_is_counted() -> None:
    samples, stall = [*asked(0, 1), *lost(1, 1.2), *lost(1.7, 2), *asked(2, 3)], Stall("all", 1.2, 1.7)
    ((start, end, _),) = found(samples, [stall])
    assert end is not None
    assert end - start == pytest.approx(1.01)


def test_an_outage_is_split_at_the_recovery() -> None:
    samples = [*asked(0, 1), *lost(1, 6), *asked(6, 8)]
    assert analysis.fault_outage(trial(samples, recovered_at=5), "http") == pytest.approx(4.008)
    assert analysis.recovery_outage(trial(samples, recovered_at=5), "http") == pytest.approx(1.002)


def test_a_recorded_classic_failover_takes_seconds_and_pings_do_not_show_it() -> None:
    seen = recorded("classic-haproxy-killed")
    (only,) = analysis.outages(seen.samples, seen.stalls)
    assert only.probe == "http"
    assert only.end is not None
    assert only.end - only.start == pytest.approx(4.72, abs=0.05)


def test_a_recorded_unplugged_cable_affects_every_probe() -> None:
    seen = recorded("fast-link-cut")
    lengths = {each.probe: (each.end or 0) - each.start for each in analysis.outages(seen.samples, seen.stalls)}
    assert lengths == {"http": pytest.approx(0.31, abs=0.02), "ping": pytest.approx(0.29, abs=0.02)}


def test_the_worst_probe_of_a_service_counts_and_ping_and_connections_do_not() -> None:
    samples = [
        *asked(0, 1, probe="ping"), *lost(1, 4, probe="ping"), *asked(4, 6, probe="ping"),
        *asked(0, 1), *lost(1, 2), *asked(2, 6),
        *asked(0, 1, probe="greeting"), *lost(1, 3, probe="greeting"), *asked(3, 6, probe="greeting"),
    ]  # fmt: skip
    assert analysis.worst_service(analysis.fault_outage, trial(samples)) == pytest.approx(2.01)


def test_without_a_service_to_probe_connecting_counts() -> None:
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


def test_holders_follow_from_when_each_node_starts_and_stops_holding() -> None:
    holds = [
        Hold(-1, "lb1", True),
        Hold(-1, "lb2", False),
        Hold(2, "lb1", False),
        Hold(3, "lb2", True),
        Hold(4, "lb1", True),
    ]
    moments = analysis.holder_changes(holds, VIP)
    assert moments == (
        HolderChange(0, VIP, ("lb1",)),
        HolderChange(2, VIP, ()),
        HolderChange(3, VIP, ("lb2",)),
        HolderChange(4, VIP, ("lb1", "lb2")),
    )
    assert analysis.seconds_with(moments, 10, lambda count: count == 0) == 1
    assert analysis.seconds_with(moments, 10, lambda count: count > 1) == 6


def test_without_observations_no_node_holds_the_vip() -> None:
    assert analysis.holder_changes([], VIP) == (HolderChange(0, VIP, ()),)
