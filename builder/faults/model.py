"""What a proof has measured: probe answers, who held the VIP, and what follows from them, for each scenario.

All times are seconds on one monotonic clock (CLOCK_MONOTONIC, which all namespaces of a host share), counted from the
start of the trial, unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from pydantic import TypeAdapter

How = Literal["netns", "vm"]
VrrpState = Literal["MASTER", "BACKUP", "FAULT", "off"]


class Sample(NamedTuple):
    """One question of one probe and what came of it. A tuple, as a proof holds many: JSON has it as a list."""

    at: float
    """When the question was sent."""
    probe: str
    """`ping`, `tcp`, `http`, `kept` (HTTP on a connection that is kept) or `tls`."""
    ok: bool
    node: str
    """The node that answered; empty where nothing did, or where it cannot be told."""
    latency: float
    """Seconds until the answer or the failure."""
    fault: str
    """Empty where it is ok; else `timeout`, `refused`, `reset`, `unreachable` or what the answer was."""


@dataclass(frozen=True)
class NodeMoment:
    """A node's VRRP state begins."""

    at: float
    node: str
    state: VrrpState


@dataclass(frozen=True)
class HolderMoment:
    """From here on these nodes have the VIP on an interface; the first moment of a trial is at 0."""

    at: float
    vip: str
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Outage:
    """A time in which a probe got no answer: from the last good question before to the first good one after."""

    probe: str
    start: float
    end: float | None
    """None where the trial ended before an answer came."""
    lost: int
    """Questions without a good answer."""
    reset: int
    """Those of them that ended with a connection reset."""


@dataclass(frozen=True)
class Stall:
    """The probe itself was not run by this host's scheduler: nothing is known of this time."""

    probe: str
    """`all`: one program asks for all probes."""
    start: float
    end: float


@dataclass(frozen=True)
class Trial:
    """One run of one scenario: the fault, its recovery, and all that was seen meanwhile."""

    scenario: str
    number: int
    """Counted from 1."""
    profile: str
    injected_at: float
    recovered_at: float | None
    """When the recovery was begun; None for a scenario that has none."""
    ended_at: float
    samples: tuple[Sample, ...]
    states: tuple[NodeMoment, ...]
    holders: tuple[HolderMoment, ...]
    garps: tuple[float, ...]
    """When a gratuitous ARP for a VIP reached the client."""
    outages: tuple[Outage, ...]
    stalls: tuple[Stall, ...]
    no_holder_s: float
    two_holders_s: float
    logs: Mapping[str, str] = field(default_factory=dict)
    """What each node's keepalived and HAProxy wrote during the trial."""
    faults: tuple[str, ...] = ()
    """What did not go as the scenario says it must, a sentence each."""
    busy: Mapping[str, float] = field(default_factory=dict)
    """The share of its processors' time that each node used while the fault lasted, where load is the fault."""


@dataclass(frozen=True)
class Spread:
    """Seconds, over the repeats."""

    median: float
    p95: float
    worst: float


@dataclass(frozen=True)
class ScenarioResult:
    """All trials of one scenario, against its limit."""

    name: str
    title: str
    profile: str
    trials: tuple[Trial, ...]
    outage_s: Spread
    """What a client of the services felt of the fault: the longest outage that began before the recovery."""
    limit_s: float | None
    """None where this profile promises nothing, as `classic` does of a HAProxy that hangs."""
    bound_s: float | None
    """What RFC 3768 or RFC 9568 and the spec's numbers allow for the VIP to move; None where they say nothing."""
    recovery_s: Spread
    """The same for outages that began after the recovery."""
    recovery_limit_s: float | None
    by_probe: Mapping[str, Spread]
    """Outage of the fault for each probe alone: a ping is answered while the service is dead."""
    passed: bool
    reason: str
    """Why it did not pass; empty where it did."""

    @property
    def repeats(self) -> int:
        """How many trials there were."""
        return len(self.trials)


@dataclass(frozen=True)
class NotCovered:
    """A scenario that could not be run this way, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Proof:
    """Everything that one `vipforge rehearse` or `vipforge proof` has found."""

    cluster: str
    profile: str
    how: How
    scenarios: tuple[ScenarioResult, ...]
    not_covered: tuple[NotCovered, ...]
    versions: Mapping[str, str]
    """Program to version: `vipforge`, `keepalived`, `haproxy`, `kernel`, …"""
    digests: Mapping[str, str]
    """File to SHA-256: the spec, the rendered configuration, the image."""
    started: str
    """ISO 8601, UTC."""
    seconds: float
    rate_s: float
    """Between two questions of a probe: an outage that is shorter can pass between them."""
    room_s: float
    """What the default limits have on top because the guests' processor is emulated; 0 where it is not."""
    broken_off: str = ""
    """Why the run ended before its last scenario; empty where it did not."""
    interrupted: bool = False
    """Whether it was a person who ended it."""

    @property
    def passed(self) -> bool:
        """Whether there was a scenario, every one that was run has passed, and none was left out by a bad end."""
        return bool(self.scenarios) and not self.broken_off and all(each.passed for each in self.scenarios)


_PROOF: TypeAdapter[Proof] = TypeAdapter(Proof)


def to_data(proof: Proof) -> dict[str, Any]:
    """The whole proof as JSON has it, with every sample."""
    data: dict[str, Any] = _PROOF.dump_python(proof, mode="json")
    return data


def from_data(data: object) -> Proof:
    """The proof that `to_data` made this of; raises pydantic's ValidationError for anything else."""
    return _PROOF.validate_python(data)


def least_busy(result: ScenarioResult) -> dict[str, float]:
    """What load each node bore in every trial of a scenario that is one."""
    shares = [trial.busy for trial in result.trials]
    return {name: min(each[name] for each in shares) for name in (shares[0] if shares else ())}


def summary(proof: Proof) -> dict[str, Any]:
    """The results without what was measured in between: what `--json` prints."""
    data = to_data(proof)
    for made, found in zip(data["scenarios"], proof.scenarios, strict=True):
        del made["trials"]
        made["repeats"] = found.repeats
        made["faults"] = [fault for trial in found.trials for fault in trial.faults]
        made["busy"] = least_busy(found)
        made["stalls"] = sum(len(trial.stalls) for trial in found.trials)
        made["no_holder_s"] = max((trial.no_holder_s for trial in found.trials), default=0)
        made["two_holders_s"] = max((trial.two_holders_s for trial in found.trials), default=0)
    return {"passed": proof.passed, **data}
