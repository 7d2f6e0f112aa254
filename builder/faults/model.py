"""The results of a proof: the probes' samples, the VIP's holders, and what follows from them, for each scenario.

All times are seconds since the start of the trial unless the name says otherwise. They come from one monotonic clock
(CLOCK_MONOTONIC), which all namespaces of a host share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AliasChoices, Field, TypeAdapter

LabKind = Literal["netns", "vm"]
VrrpState = Literal["MASTER", "BACKUP", "FAULT", "off"]


class Sample(NamedTuple):
    """One request of one probe and its outcome.

    A proof contains many thousands of them, so a sample is a tuple here and a list in JSON.
    """

    at: float
    """When the request was sent."""
    probe: str
    """`ping`, `tcp`, `http`, `kept` (HTTP on a persistent connection), `tls` or `greeting`."""
    ok: bool
    node: str
    """The node that answered; empty if there was no answer or the node is unknown."""
    latency: float
    """Seconds until the answer or the failure."""
    error: str
    """Empty if `ok`; otherwise `timeout`, `refused`, `reset`, `unreachable` or the unexpected answer."""


@dataclass(frozen=True)
class StateChange:
    """A node enters a VRRP state."""

    at: float
    node: str
    state: VrrpState


@dataclass(frozen=True)
class HolderChange:
    """From this time on, these nodes hold the VIP; the first change of a trial is at 0."""

    at: float
    vip: str
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Outage:
    """A period in which a probe got no good answer: from the last good answer before it to the first one after it."""

    probe: str
    start: float
    end: float | None
    """None if the trial ended before the next good answer."""
    lost: int
    """Requests without a good answer."""
    reset: int
    """How many of the lost requests ended with a connection reset."""


@dataclass(frozen=True)
class Stall:
    """A period in which the host did not schedule the probing program, so that nothing was measured."""

    probe: str
    """Always `all`: one program runs all probes."""
    start: float
    end: float


@dataclass(frozen=True)
class Trial:
    """One run of one scenario: the fault, the recovery, and everything that was observed."""

    scenario: str
    number: int
    """Starts at 1."""
    profile: str
    injected_at: float
    recovered_at: float | None
    """When the recovery started; None if the scenario has none."""
    ended_at: float
    samples: tuple[Sample, ...]
    states: tuple[StateChange, ...]
    holders: tuple[HolderChange, ...]
    garps: tuple[float, ...]
    """When gratuitous ARPs for the VIP reached the client."""
    outages: tuple[Outage, ...]
    stalls: tuple[Stall, ...]
    no_holder_s: float
    two_holders_s: float
    logs: Mapping[str, str] = field(default_factory=dict)
    """What keepalived and HAProxy logged on each node during the trial."""
    failures: Annotated[tuple[str, ...], Field(validation_alias=AliasChoices("failures", "faults"))] = ()
    """The scenario's expectations that were not met, one sentence each. In older JSON results: `faults`."""
    busy: Mapping[str, float] = field(default_factory=dict)
    """If the fault is load: the share of processor time that each node used while it lasted."""


@dataclass(frozen=True)
class Spread:
    """The distribution of a duration over the trials, in seconds."""

    median: float
    p95: float
    worst: float


@dataclass(frozen=True)
class ScenarioResult:
    """All trials of one scenario, compared with its limits."""

    name: str
    title: str
    profile: str
    trials: tuple[Trial, ...]
    outage_s: Spread
    """The longest outage of the services that the fault caused, measured until the recovery started."""
    limit_s: float | None
    """None if the profile makes no promise, like `classic` for a HAProxy that hangs."""
    bound_s: float | None
    """How long the VIP may take to move according to RFC 3768 or RFC 9568 and the spec; None if they do not say."""
    recovery_s: Spread
    """The longest outage of the services from the start of the recovery on."""
    recovery_limit_s: float | None
    by_probe: Mapping[str, Spread]
    """The outage that the fault caused for each probe: pings may be answered while the service is down."""
    passed: bool
    reason: str
    """Why the scenario did not pass; empty if it did."""

    @property
    def repeats(self) -> int:
        """The number of trials."""
        return len(self.trials)


@dataclass(frozen=True)
class NotCovered:
    """A scenario that was not run, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Proof:
    """The results of one `vipforge rehearse` or `vipforge proof`."""

    cluster: str
    profile: str
    how: LabKind
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
    """The time between two requests of a probe. Shorter outages can go unnoticed."""
    room_s: float
    """What is added to the default limits because the guests are emulated; 0 if they are not."""
    broken_off: str = ""
    """Why the run ended early; empty if it was complete."""
    interrupted: bool = False
    """Whether the user interrupted the run."""

    @property
    def passed(self) -> bool:
        """Whether the run was complete, ran at least one scenario, and every scenario passed."""
        return bool(self.scenarios) and not self.broken_off and all(each.passed for each in self.scenarios)


_PROOF: TypeAdapter[Proof] = TypeAdapter(Proof)


def to_data(proof: Proof) -> dict[str, Any]:
    """The whole proof as JSON data, including every sample."""
    data: dict[str, Any] = _PROOF.dump_python(proof, mode="json")
    return data


def from_data(data: object) -> Proof:
    """Read a proof from the JSON data of `to_data`; raises pydantic's ValidationError for anything else."""
    return _PROOF.validate_python(data)


def least_busy(result: ScenarioResult) -> dict[str, float]:
    """The lowest load of each node over the trials; empty unless the scenario's fault is load."""
    shares = [trial.busy for trial in result.trials]
    return {name: min(each[name] for each in shares) for name in (shares[0] if shares else ())}


def summary(proof: Proof) -> dict[str, Any]:
    """The results without trials and samples, as `--json` prints them."""
    data = to_data(proof)
    for scenario, result in zip(data["scenarios"], proof.scenarios, strict=True):
        del scenario["trials"]
        scenario["repeats"] = result.repeats
        scenario["failures"] = [failure for trial in result.trials for failure in trial.failures]
        scenario["busy"] = least_busy(result)
        scenario["stalls"] = sum(len(trial.stalls) for trial in result.trials)
        scenario["no_holder_s"] = max((trial.no_holder_s for trial in result.trials), default=0)
        scenario["two_holders_s"] = max((trial.two_holders_s for trial in result.trials), default=0)
    return {"passed": proof.passed, **data}
