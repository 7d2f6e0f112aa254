"""How long clients may wait: a default for each scenario and profile, and the spec's own in its place."""

from __future__ import annotations

from typing import NamedTuple

from builder.errors import Exit, UserError
from builder.proof.scenarios import known
from builder.spec.model import Cluster

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


def check(cluster: Cluster) -> None:
    """Raise UserError where the spec limits a scenario that there is not."""
    strange = sorted(set(cluster.proof.limits) - set(known()))
    if strange:
        error = UserError(
            f"proof.limits names no scenario with {', '.join(strange)}", hint=f"scenarios are {', '.join(known())}"
        )
        error.exit_code = Exit.BAD_SPEC
        raise error


def _with_room(limit: float | None, *, emulated: bool) -> float | None:
    return limit + EMULATED if emulated and limit is not None else limit
