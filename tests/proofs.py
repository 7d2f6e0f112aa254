"""An example of a proof: a pair, several scenarios, and thousands of answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any

from builder.faults import analysis
from builder.faults.model import (
    HolderChange,
    NotCovered,
    Outage,
    Proof,
    Sample,
    ScenarioResult,
    Spread,
    Stall,
    StateChange,
    Trial,
)

FIRST, SECOND, VIP = "lb1.example.com", "lb2.example.com", "192.168.56.10"
PROBES = ("http", "kept", "tcp", "ping")
NONE = Spread(0, 0, 0)

Gap = tuple[str, float, float | None]
"""A probe, and the start and end of a period without answers."""


def samples(seconds: float, gaps: Iterable[Gap], moved: tuple[float, float], rate: float = 0.01) -> list[Sample]:
    """The samples of every probe; between the two times of `moved`, the second node answers."""
    lost = list(gaps)
    random = Random(1)
    return [
        _sample(number * rate, probe, lost, moved, random) for number in range(int(seconds / rate)) for probe in PROBES
    ]


def _sample(at: float, probe: str, gaps: list[Gap], moved: tuple[float, float], random: Random) -> Sample:
    if any(probe == name and start <= at and (end is None or at < end) for name, start, end in gaps):
        return Sample(at, probe, False, "", 0.0002, "reset" if random.random() < 0.2 else "refused")
    node = SECOND if moved[0] <= at < moved[1] else FIRST
    return Sample(at, probe, True, node, round(random.uniform(0.0003, 0.0009), 6), "")


def trial(scenario: str, number: int = 1, gaps: Iterable[Gap] = (), **changes: Any) -> Trial:
    """A trial of 5 s with the fault at 1 s and the recovery at 3 s."""
    lost = list(gaps)
    seconds = changes.get("ended_at", 5.0)
    asked = changes.pop("samples", None) or tuple(samples(seconds, lost, changes.pop("moved", (1.02, 3.01))))
    stalls = changes.get("stalls", ())
    made = Trial(
        scenario=scenario,
        number=number,
        profile="standard",
        injected_at=1.0,
        recovered_at=3.0,
        ended_at=seconds,
        samples=asked,
        states=(
            StateChange(0, FIRST, "MASTER"),
            StateChange(0, SECOND, "BACKUP"),
            StateChange(1.004, FIRST, "FAULT"),
            StateChange(1.019, SECOND, "MASTER"),
            StateChange(3.002, FIRST, "BACKUP"),
            StateChange(3.012, FIRST, "MASTER"),
            StateChange(3.013, SECOND, "BACKUP"),
        ),
        holders=(
            HolderChange(0, VIP, (FIRST,)),
            HolderChange(1.005, VIP, ()),
            HolderChange(1.02, VIP, (SECOND,)),
            HolderChange(3.012, VIP, (FIRST, SECOND)),
            HolderChange(3.014, VIP, (FIRST,)),
        ),
        garps=(1.021, 1.0215, 1.022, 3.013),
        outages=analysis.outages(asked, stalls),
        stalls=stalls,
        no_holder_s=0.015,
        two_holders_s=0.002,
        logs={
            FIRST: "    1.004  (VI_1) Entering FAULT STATE",
            SECOND: "    1.019  (VI_1) Entering MASTER STATE",
        },
    )
    return replace(made, **changes)


def result(name: str, title: str, trials: Iterable[Trial], **changes: Any) -> ScenarioResult:
    """A scenario that passed, with the statistics of its trials."""
    run = tuple(trials)
    felt = analysis.spread([analysis.worst_service(analysis.fault_outage, each) for each in run])
    back = analysis.spread([analysis.worst_service(analysis.recovery_outage, each) for each in run])
    by_probe = {probe: analysis.spread([analysis.fault_outage(each, probe) for each in run]) for probe in PROBES}
    made = ScenarioResult(name, title, "standard", run, felt, 0.05, 0.0117, back, 0.03, by_probe, True, "")
    return replace(made, **changes)


def killed() -> ScenarioResult:
    """A short outage in each of three trials; the second is the worst."""
    ends = (1.006, 1.026, 1.016)
    trials = [trial("haproxy-killed", number, _service(1.0, end)) for number, end in enumerate(ends, 1)]
    return result("haproxy-killed", "HAProxy is killed on the master", trials)


def unnoticed() -> ScenarioResult:
    """A scenario that clients did not notice."""
    states = [(0, FIRST, "MASTER"), (0, SECOND, "BACKUP"), (1.003, SECOND, "off"), (3.12, SECOND, "BACKUP")]
    one = trial(
        "backup-stopped",
        moved=(9, 9),
        states=tuple(StateChange(*each) for each in states),
        holders=(HolderChange(0, VIP, (FIRST,)),),
        garps=(),
        no_holder_s=0,
        two_holders_s=0,
    )
    return result("backup-stopped", "keepalived is stopped on the backup", [one], bound_s=None)


def failed() -> ScenarioResult:
    """An outage that exceeds its limit, in a trial with a failure, a stall, and an outage after the recovery."""
    one = trial(
        "keepalived-killed",
        1,
        [("http", 1.0, 4.2), ("kept", 1.0, 4.2), ("tcp", 1.0, 1.6), ("http", 7.0, 7.02)],
        moved=(4.2, 6.0),
        ended_at=8.0,
        recovered_at=6.0,
        stalls=(Stall("all", 5.1, 5.35),),
        failures=("the nodes did not both hold the VIPs within 3 s",),
    )
    reason = "outage of 3.210 s exceeds the limit of 0.05 s"
    return result("keepalived-killed", "keepalived is killed on the master", [one], passed=False, reason=reason)


def endless() -> ScenarioResult:
    """An outage that outlasts the trial, from a fault for which the profile makes no promise."""
    one = trial("haproxy-hung", 1, [("http", 1.0, None), ("kept", 1.0, None)], recovered_at=None, moved=(9, 9))
    return result("haproxy-hung", "HAProxy hangs on the master", [one], limit_s=None, bound_s=None)


def _service(start: float, end: float) -> list[Gap]:
    return [("http", start, end), ("kept", start, end), ("tcp", start, max(start, end - 0.01))]


def proof(*results: ScenarioResult, **changes: Any) -> Proof:
    """A proof with these scenarios, or with one of each kind."""
    made = Proof(
        cluster="web",
        profile="standard",
        how="netns",
        scenarios=results or (killed(), unnoticed(), failed(), endless()),
        not_covered=(NotCovered("node-off", "requires a virtual machine: run `vipforge proof` in the VM lab"),),
        versions={
            "vipforge": "1.0.0",
            "keepalived": "2.3.3",
            "haproxy": "2.6.12",
            "kernel": "6.1.0-18-amd64",
        },
        digests={"cluster.yml": "5f" * 32, "keepalived.conf of lb1.example.com": "c0" * 32},
        started="2026-11-23T19:40:12+00:00",
        seconds=52.4,
        rate_s=0.01,
        room_s=0,
    )
    return replace(made, **changes)


def outage_of(each: Trial, probe: str) -> Outage:
    """The first outage of a probe."""
    return next(outage for outage in each.outages if outage.probe == probe)
