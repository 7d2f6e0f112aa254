"""How long an outage may last in each scenario, and whether a measurement stays within that limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from builder.core.errors import Exit, UserError
from builder.faults import analysis
from builder.faults.model import ScenarioResult, Spread, Trial
from builder.faults.scenarios import Detection, Scenario, all_scenarios
from builder.spec.model import Cluster
from builder.spec.problem import Problem, key_shown, nearest
from builder.spec.vrrp import PROFILES, Profile

HIGHEST_PRIORITY = 256
"""The minuend of the skew formula."""
MISSED_ADVERTISEMENTS = 3
"""A backup declares the master down after missing this many advertisements."""
CLASSIC_SCRIPT_SECONDS = 2
"""How often the classic profile's script checks HAProxy."""
LATE_ADVERTISEMENTS = 2
"""keepalived 1.2.13 sets the VIPs up to this many advertisements late (measured)."""
UNANSWERED_CHECKS = 2
"""HAProxy counts as hung after leaving this many checks unanswered."""
EMULATION_SECONDS = 2.0
"""Added to the default limits if the guests are emulated: they are an order of magnitude slower, and two requests of a
probe are 0.4 s apart. On two processors with a load of 3, a pair exceeded the plain limit by 0.6 s."""


class Limit(NamedTuple):
    """Seconds for each profile; None if the profile makes no promise."""

    classic: float | None
    standard: float | None
    fast: float | None

    def of(self, profile: str) -> float | None:
        """The limit for a profile."""
        limit: float | None = getattr(self, profile)
        return limit


NO_LIMIT = Limit(None, None, None)
HAPROXY_EXITS = Limit(7.5, 0.25, 0.15)
GRACEFUL = Limit(2.2, 0.25, 0.15)
NODE_LOST = Limit(5.5, 3.5, 0.6)
UNNOTICED = Limit(0.25, 0.25, 0.15)

FAULT_LIMITS: dict[str, Limit] = {
    "haproxy-stopped": HAPROXY_EXITS,
    "haproxy-killed": HAPROXY_EXITS,
    "haproxy-hung": Limit(None, 3.0, 0.6),
    "haproxy-flaps": HAPROXY_EXITS,
    "mail-hangs": HAPROXY_EXITS,
    "mail-refuses": HAPROXY_EXITS,
    "mail-down": HAPROXY_EXITS,
    "haproxy-all-down": NO_LIMIT,
    "servers-down": NO_LIMIT,
    "keepalived-stopped": GRACEFUL,
    "keepalived-killed": NODE_LOST,
    "backup-stopped": UNNOTICED,
    "link-cut": NODE_LOST,
    "vrrp-blocked": Limit(1.0, 1.0, 1.0),
    "vrrp-blocked-one-way": Limit(1.0, 1.0, 1.0),
    "hand-over": GRACEFUL,
    "cpu-load": Limit(1.0, 1.0, 1.0),
    "node-off": NODE_LOST,
    "node-paused": NODE_LOST,
    "master-reset": NODE_LOST,
    "backup-reset": UNNOTICED,
}
"""The longest acceptable outage that a fault causes.

The limits exceed the formula's bound to leave room for other work on the host. In the classic profile they also allow
for keepalived 1.2.13, which waits for up to two more advertisements before it sets the VIPs.
"""

FAIL_BACK = Limit(2.5, 0.5, 0.5)
RECOVERY_LIMITS: dict[str, Limit] = {
    "haproxy-all-down": Limit(8.0, 5.0, 2.0),
    "servers-down": Limit(8.0, 8.0, 8.0),
    "haproxy-hung": Limit(None, 1.0, 1.0),
}
"""The longest acceptable outage from the start of the recovery on; FAIL_BACK applies to all other scenarios."""

Measure = Callable[[Trial, str], float]
"""Returns one outage of a probe in a trial."""


def judge(cluster: Cluster, scenario: Scenario, trials: Sequence[Trial], *, emulated: bool) -> ScenarioResult:
    """Compare the trials of a scenario with its limits and expectations."""
    outage = _spread(analysis.fault_outage, trials)
    recovery = _spread(analysis.recovery_outage, trials)
    limit = fault_limit(cluster, scenario.name, emulated=emulated)
    limit_after = recovery_limit(cluster, scenario.name, emulated=emulated)
    reasons = [
        *_excess("outage", outage, limit),
        *_excess("outage after the recovery", recovery, limit_after),
        *(f"trial {trial.number}: {failure}" for trial in trials for failure in trial.failures),
    ]
    return ScenarioResult(
        name=scenario.name,
        title=scenario.title,
        profile=cluster.vrrp.profile,
        trials=tuple(trials),
        outage_s=outage,
        limit_s=limit,
        bound_s=bound(cluster, scenario.detection),
        recovery_s=recovery,
        recovery_limit_s=limit_after,
        by_probe={probe: _spread_of_probe(probe, trials) for probe in _probes(trials)},
        passed=not reasons,
        reason="; ".join(reasons),
    )


def fault_limit(cluster: Cluster, scenario: str, *, emulated: bool) -> float | None:
    """The longest acceptable outage that the fault causes: the spec's limit, or else the default."""
    own = cluster.proof.limits.get(scenario)
    return own if own is not None else _with_room(FAULT_LIMITS[scenario].of(cluster.vrrp.profile), emulated=emulated)


def recovery_limit(cluster: Cluster, scenario: str, *, emulated: bool) -> float | None:
    """The longest acceptable outage from the start of the recovery on."""
    return _with_room(RECOVERY_LIMITS.get(scenario, FAIL_BACK).of(cluster.vrrp.profile), emulated=emulated)


def limit_problems(cluster: Cluster) -> Iterator[Problem]:
    """Limits that the spec sets for scenarios that do not exist; for `vipforge check`, which shows their lines."""
    for name in _unknown_limits(cluster):
        hint = nearest(name, all_scenarios()) or "`vipforge scenarios` lists them"
        yield Problem(("proof", "limits", name), f"there is no scenario {key_shown(name)}", hint, shows_value=False)


def check_limits(cluster: Cluster) -> None:
    """Raise UserError if the spec sets a limit for an unknown scenario."""
    unknown = _unknown_limits(cluster)
    if unknown:
        error = UserError(
            f"proof.limits contains unknown scenarios: {', '.join(unknown)}",
            hint=f"known scenarios: {', '.join(all_scenarios())}",
        )
        error.exit_code = Exit.BAD_SPEC
        raise error


def _unknown_limits(cluster: Cluster) -> list[str]:
    return sorted(set(cluster.proof.limits) - set(all_scenarios()))


def bound(cluster: Cluster, detection: Detection) -> float | None:
    """The maximum time until the next node takes the VIPs, in seconds; None if the standards do not define it."""
    profile = PROFILES[cluster.vrrp.profile]
    second = sorted(map(cluster.own_priority, cluster.nodes), reverse=True)[1] + profile.bonus
    skew_seconds = skew(profile, second)
    silence = MISSED_ADVERTISEMENTS * profile.advert + skew_seconds
    checks = profile.ask_every + UNANSWERED_CHECKS * profile.ask_timeout
    bounds = {
        Detection.PRIORITY_ZERO: skew_seconds,
        Detection.HAPROXY_EXIT: skew_seconds if profile.haproxy_is_event else CLASSIC_SCRIPT_SECONDS + silence,
        Detection.HAPROXY_HUNG: checks + skew_seconds if profile.ask_every else None,
        Detection.SILENCE: silence,
        Detection.OUTRANKED: None,
        Detection.NONE: None,
    }
    seconds = bounds[detection]
    return None if seconds is None else round(seconds, 4)


def skew(profile: Profile, priority: int) -> float:
    """The skew time in seconds, which lets the backup with the highest priority act first.

    In VRRP version 3 it is proportional to the advertisement interval.
    """
    share = (HIGHEST_PRIORITY - priority) / HIGHEST_PRIORITY
    return share if profile.vrrp_version == 2 else share * profile.advert  # noqa: PLR2004 - the version's number


def classic_reaction(cluster: Cluster) -> float:
    """The time after which a pair with the classic profile has completed its reaction to any fault, in seconds."""
    detected = bound(cluster, Detection.HAPROXY_EXIT) or 0
    return detected + LATE_ADVERTISEMENTS * PROFILES[cluster.vrrp.profile].advert


def _with_room(limit: float | None, *, emulated: bool) -> float | None:
    return limit + EMULATION_SECONDS if emulated and limit is not None else limit


def _spread(measure: Measure, trials: Sequence[Trial]) -> Spread:
    return analysis.spread([analysis.worst_service(measure, trial) for trial in trials])


def _spread_of_probe(probe: str, trials: Sequence[Trial]) -> Spread:
    return analysis.spread([analysis.fault_outage(trial, probe) for trial in trials])


def _probes(trials: Sequence[Trial]) -> list[str]:
    return sorted({sample.probe for trial in trials for sample in trial.samples})


def _excess(what: str, outage: Spread, limit: float | None) -> Iterator[str]:
    if limit is not None and outage.worst > limit:
        yield f"{what} of {outage.worst:.3f} s exceeds the limit of {limit:g} s"
