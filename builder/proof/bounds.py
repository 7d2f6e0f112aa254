"""What the standards and the spec's own numbers allow for a VIP to move (RFC 3768 and RFC 9568, section 6.1)."""

from __future__ import annotations

from builder.proof.scenarios import Notice
from builder.spec.model import Cluster
from builder.spec.profiles import PROFILES, Profile

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


def bound(cluster: Cluster, notice: Notice) -> float | None:
    """Seconds until the next node takes the VIPs, at most; None where the standards say nothing of it."""
    profile = PROFILES[cluster.vrrp.profile]
    second = sorted(map(cluster.own_priority, cluster.nodes), reverse=True)[1] + profile.bonus
    told = skew(profile, second)
    silence = MISSED * profile.advert + told
    asked = profile.ask_every + TWICE * profile.ask_timeout
    bounds = {
        Notice.TOLD: told,
        Notice.HAPROXY: told if profile.haproxy_is_event else CLASSIC_SCRIPT_SECONDS + silence,
        Notice.HUNG: asked + told if profile.ask_every else None,
        Notice.SILENCE: silence,
        Notice.OUTRANKED: None,
        Notice.NEVER: None,
    }
    found = bounds[notice]
    return None if found is None else round(found, 4)


def classic_reaction(cluster: Cluster) -> float:
    """Seconds after which a pair of the classic profile has done whatever a fault makes it do."""
    noticed = bound(cluster, Notice.HAPROXY) or 0
    return noticed + LATE_ADVERTISEMENTS * PROFILES[cluster.vrrp.profile].advert
