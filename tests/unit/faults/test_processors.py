"""How busy nodes were, from what their kernels count."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from builder.faults import watch
from builder.faults.model import least_busy
from builder.faults.watch import Ticks
from tests import proofs

LINE = "cpu  100 5 20 800 50 1 4 20 7 0\n"


def test_waiting_for_a_disk_is_idle_and_guests_are_not_counted_twice() -> None:
    assert watch.read_processor_times(LINE) == Ticks(busy=150, whole=1000)


def test_only_the_time_of_the_burden_counts() -> None:
    later = "cpu  290 5 20 810 50 1 4 20 7 0"
    pair: Any = SimpleNamespace(names=("lb1",), burdened=lambda _: (LINE, later))
    assert watch.shares(pair) == {"lb1": 0.95}


def test_the_load_of_a_scenario_is_what_every_trial_had() -> None:
    trials = [proofs.trial("cpu-load", number, busy={"lb1": share}) for number, share in ((1, 0.98), (2, 0.91))]
    assert least_busy(proofs.result("cpu-load", "busy", trials)) == {"lb1": 0.91}
    assert least_busy(proofs.killed()) == {}
