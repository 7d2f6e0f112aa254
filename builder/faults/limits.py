"""How long clients may be without a good answer in each scenario, and the verdict on a measurement."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from builder.core.errors import Exit, UserError
from builder.faults import analysis
from builder.faults.model import ScenarioResult, Spread, Trial
from builder.faults.scenarios import Detection, Scenario, all_scenarios
from builder.spec.model import Cluster
from builder.spec.vrrp import PROFILES, Profile

HIGHEST = 256
MISSED = 3
"""Advertisements that must be missing before a master counts as gone."""
CLASSIC_SCRIPT_SECONDS = 2
"""How often the classic profile's script looks for HAProxy."""
LATE_ADVERTISEMENTS = 2
"""After so many more keepalived 1.2.13 sets the VIPs (measured)."""
TWICE = 2
"""Questions that HAProxy must leave unanswered."""


def skew(profile: Profile, priority: int) -> float:
    """What a backup waits so that the best one is first; in version 3 it shrinks with the advertisements' interval."""
    share = (HIGHEST - priority) / HIGHEST
    return share if profile.vrrp_version == 2 else share * profile.advert  # noqa: PLR2004 - the version's number


def bound(cluster: Cluster, notice: Detection) -> float | None:
    """Seconds until the next node takes the VIPs, at most; None where the standards say nothing of it."""
    profile = PROFILES[cluster.vrrp.profile]
    second = sorted(map(cluster.own_priority, cluster.nodes), reverse=True)[1] + profile.bonus
    told = skew(profile, second)
    silence = MISSED * profile.advert + told
    asked = profile.ask_every + TWICE * profile.ask_timeout
    bounds = {
        Detection.TOLD: told,
        Detection.HAPROXY: told if profile.haproxy_is_event else CLASSIC_SCRIPT_SECONDS + silence,
        Detection.HUNG: asked + told if profile.ask_every else None,
        Detection.SILENCE: silence,
        Detection.OUTRANKED: None,
        Detection.NEVER: None,
    }
    found = bounds[notice]
    return None if found is None else round(found, 4)


def classic_reaction(cluster: Cluster) -> float:
    """Seconds after which a pair of the classic profile has done whatever a fault makes it do."""
    noticed = bound(cluster, Detection.HAPROXY) or 0
    return noticed + LATE_ADVERTISEMENTS * PROFILES[cluster.vrrp.profile].advert


EMULATED = 2.0
"""Seconds that a guest is given on top where its processor is emulated: it is slower by an order of magnitude, and two
questions of the probes are 0.4 s. On two processors with a load of 3 a pair needed 0.6 s more than a limit without."""


class Limit(NamedTuple):
    """Seconds, by profile; None where the profile promises nothing."""

    classic: float | None
    standard: float | None
    fast: float | None

    def of(self, profile: str) -> float | None:
        """The limit in a profile."""
        found: float | None = getattr(self, profile)
        return found


NOTHING = Limit(None, None, None)
HAPROXY_ENDS = Limit(7.5, 0.25, 0.15)
LEAVE_TAKEN = Limit(2.2, 0.25, 0.15)
GONE = Limit(5.5, 3.5, 0.6)
UNNOTICED = Limit(0.25, 0.25, 0.15)

FAULT: dict[str, Limit] = {
    "haproxy-stopped": HAPROXY_ENDS,
    "haproxy-killed": HAPROXY_ENDS,
    "haproxy-hung": Limit(None, 3.0, 0.6),
    "haproxy-flaps": HAPROXY_ENDS,
    "mail-hangs": HAPROXY_ENDS,
    "mail-refuses": HAPROXY_ENDS,
    "mail-down": HAPROXY_ENDS,
    "haproxy-all-down": NOTHING,
    "servers-down": NOTHING,
    "keepalived-stopped": LEAVE_TAKEN,
    "keepalived-killed": GONE,
    "backup-stopped": UNNOTICED,
    "link-cut": GONE,
    "vrrp-blocked": Limit(1.0, 1.0, 1.0),
    "vrrp-blocked-one-way": Limit(1.0, 1.0, 1.0),
    "hand-over": LEAVE_TAKEN,
    "cpu-load": Limit(1.0, 1.0, 1.0),
    "node-off": GONE,
    "node-paused": GONE,
    "master-reset": GONE,
    "backup-reset": UNNOTICED,
}
"""The longest outage of the fault. It leaves room beyond the formula's bound for a host that does more than this, and
in the classic profile for keepalived 1.2.13, which waits for up to two advertisements more before it sets the VIPs."""

RECOVERY: dict[str, Limit] = {
    "haproxy-all-down": Limit(8.0, 5.0, 2.0),
    "servers-down": Limit(8.0, 8.0, 8.0),
    "haproxy-hung": Limit(None, 1.0, 1.0),
}
"""The longest outage from the recovery on; for a scenario that is not named, FAIL_BACK."""

FAIL_BACK = Limit(2.5, 0.5, 0.5)


def fault_limit(cluster: Cluster, scenario: str, *, emulated: bool) -> float | None:
    """The longest outage of the fault that passes: the spec's, or the default."""
    own = cluster.proof.limits.get(scenario)
    return own if own is not None else _with_room(FAULT[scenario].of(cluster.vrrp.profile), emulated=emulated)


def recovery_limit(cluster: Cluster, scenario: str, *, emulated: bool) -> float | None:
    """The longest outage from the recovery on that passes."""
    return _with_room(RECOVERY.get(scenario, FAIL_BACK).of(cluster.vrrp.profile), emulated=emulated)


def check_limits(cluster: Cluster) -> None:
    """Raise UserError where the spec limits a scenario that there is not."""
    strange = sorted(set(cluster.proof.limits) - set(all_scenarios()))
    if strange:
        error = UserError(
            f"proof.limits names no scenario with {', '.join(strange)}",
            hint=f"scenarios are {', '.join(all_scenarios())}",
        )
        error.exit_code = Exit.BAD_SPEC
        raise error


def _with_room(limit: float | None, *, emulated: bool) -> float | None:
    return limit + EMULATED if emulated and limit is not None else limit


Measure = Callable[[Trial, str], float]


def judge(cluster: Cluster, scenario: Scenario, trials: Sequence[Trial], *, emulated: bool) -> ScenarioResult:
    """What the trials of a scenario come to."""
    fault = _spread(analysis.of_fault, trials)
    recovery = _spread(analysis.of_recovery, trials)
    allowed = fault_limit(cluster, scenario.name, emulated=emulated)
    allowed_after = recovery_limit(cluster, scenario.name, emulated=emulated)
    reasons = [
        *_excess("outage", fault, allowed),
        *_excess("outage after the recovery", recovery, allowed_after),
        *(f"trial {trial.number}: {said}" for trial in trials for said in trial.faults),
    ]
    return ScenarioResult(
        name=scenario.name,
        title=scenario.title,
        profile=cluster.vrrp.profile,
        trials=tuple(trials),
        outage_s=fault,
        limit_s=allowed,
        bound_s=bound(cluster, scenario.notice),
        recovery_s=recovery,
        recovery_limit_s=allowed_after,
        by_probe={probe: _of_probe(probe, trials) for probe in _probes(trials)},
        passed=not reasons,
        reason="; ".join(reasons),
    )


def _spread(measure: Measure, trials: Sequence[Trial]) -> Spread:
    return analysis.spread([analysis.service(measure, trial) for trial in trials])


def _of_probe(probe: str, trials: Sequence[Trial]) -> Spread:
    return analysis.spread([analysis.of_fault(trial, probe) for trial in trials])


def _probes(trials: Sequence[Trial]) -> list[str]:
    return sorted({sample.probe for trial in trials for sample in trial.samples})


def _excess(what: str, found: Spread, limit: float | None) -> Iterator[str]:
    if limit is not None and found.worst > limit:
        yield f"{what} of {found.worst:.3f} s, the limit is {limit:g} s"
