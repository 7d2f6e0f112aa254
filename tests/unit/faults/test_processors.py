"""The load of the nodes, from their kernels' processor times."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from builder.faults import watch
from builder.faults.model import least_busy
from builder.faults.watch import Ticks
from tests import proofs

LINE = "cpu  100 5 20 800 50 1 4 20 7 0\n"


def test_waiting_for_disks_is_idle_time_and_guests_are_not_counted_twice() -> None:
    assert watch.read_processor_times(LINE) == Ticks(busy=150, total=1000)


def test_only_the_time_under_load_counts() -> None:
    later = "cpu  290 5 20 810 50 1 4 20 7 0"
    pair: Any = SimpleNamespace(names=("lb1",), cpu_times=lambda _: (LINE, later))
    assert watch.load_shares(pair) == {"lb1": 0.95}


def test_the_load_of_a_scenario_is_the_lowest_of_its_trials() -> None:
    trials = [proofs.trial("cpu-load", number, busy={"lb1": share}) for number, share in ((1, 0.98), (2, 0.91))]
    assert least_busy(proofs.result("cpu-load", "busy", trials)) == {"lb1": 0.91}
    assert least_busy(proofs.killed()) == {}
