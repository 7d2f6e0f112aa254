"""A timeline merges answers that are too close to distinguish, and never hides a failure."""

from __future__ import annotations

import pytest

from builder.faults.model import Sample, Stall
from builder.faults.report import lanes
from builder.faults.report.lanes import Axis
from tests import proofs

WHOLE = Axis(0, 5, 1)


def asked(count: int, *lost: int, gap: range = range(0)) -> tuple[Sample, ...]:
    step, failed = 5 / count, set(lost)
    return tuple(
        Sample(number * step, "http", number not in failed, "lb1", 0.0004, "refused" if number in failed else "")
        for number in range(count)
        if number not in gap
    )


def runs(samples: tuple[Sample, ...], **changes: object) -> list[lanes.AnswerRun]:
    return lanes.answer_marks(proofs.trial("x", samples=samples, **changes), "http", WHOLE)


def test_few_answers_are_drawn_individually() -> None:
    found = runs(asked(100, 7))
    assert len(found) == 100
    assert [run.kind for run in found].count("failed") == 1
    assert all(run.start == run.end for run in found)


@pytest.mark.parametrize("count", [200, 1_000, 20_000])
def test_one_failure_among_many_answers_is_still_visible(count: int) -> None:
    found = runs(asked(count, count // 2))
    assert [run.kind for run in found] == ["ok", "failed", "ok"]
    assert found[1].start <= 2.5 <= found[1].end


def test_a_time_without_requests_stays_empty() -> None:
    found = runs(asked(3_000, gap=range(1_000, 2_000)))
    assert [run.kind for run in found] == ["ok", "ok"]
    assert found[1].start - found[0].end > 1.6


def test_the_number_of_runs_is_bounded() -> None:
    assert len(runs(asked(20_000, *range(0, 20_000, 2)))) == 1
    assert len(runs(asked(20_000, *range(0, 20_000, 150)))) <= lanes.MOST_COLUMNS


def test_answers_of_two_nodes_are_not_joined() -> None:
    samples = tuple(each._replace(node="lb2") if each.at > 2 else each for each in asked(1_000))
    assert [run.node for run in runs(samples)] == ["lb1", "lb2"]


def test_a_slow_answer_is_a_failure_and_one_during_a_stall_is_unknown() -> None:
    slow = Sample(1.0, "http", True, "lb1", 0.8, "")
    assert [run.kind for run in runs((slow,))] == ["failed"]
    assert [run.kind for run in runs((slow,), stalls=(Stall("all", 1.0, 1.7),))] == ["unknown"]


def test_only_answers_in_the_window_are_drawn() -> None:
    found = lanes.answer_marks(proofs.trial("x", samples=asked(100)), "http", Axis(1, 2, 1))
    assert all(1 <= run.start <= 2 for run in found)


def test_holders_are_shown_from_the_start_to_the_end() -> None:
    spans = lanes.holders(proofs.trial("x"), proofs.VIP)
    assert [span.nodes for span in spans] == [
        (proofs.FIRST,),
        (),
        (proofs.SECOND,),
        (proofs.FIRST, proofs.SECOND),
        (proofs.FIRST,),
    ]
    assert (spans[0].start, spans[-1].end) == (0, 5)


def test_the_first_master_is_the_first_lane() -> None:
    assert lanes.nodes(proofs.trial("x")) == (proofs.FIRST, proofs.SECOND)


def test_probes_that_request_a_service_come_first() -> None:
    assert lanes.probes(proofs.trial("x")) == ("http", "kept", "tcp", "ping")
