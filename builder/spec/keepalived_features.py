"""Which features each release of keepalived has, and which of them a profile needs.

A feature is named after keepalived's keyword if there is one; `fractional_advert` is an `advert_int` below a second,
`script_security` is `enable_script_security` with `script_user`, `config_test` is the option of that name.
The first release of a feature is the first tag that contains the commit that introduced it
(`git log -S KEYWORD`, `git describe --contains` in acassen/keepalived).
"""

from __future__ import annotations

from types import MappingProxyType

from builder.core.errors import Exit, UserError
from builder.guests import Facts
from builder.spec.model import Cluster
from builder.spec.values import Release, release
from builder.spec.vrrp import PROFILES, Profile

SINCE = MappingProxyType(
    {
        "unicast_peer": (1, 2, 8),
        "garp_master_refresh": (1, 2, 10),
        "garp_master_repeat": (1, 2, 14),
        "vrrp_version": (1, 2, 17),
        "fractional_advert": (1, 2, 17),
        "smtp_helo_name": (1, 2, 20),
        "vrrp_garp_master_refresh": (1, 2, 20),
        "script_security": (1, 3, 0),
        "track_file": (2, 0, 0),
        "dynamic_interfaces": (2, 0, 0),
        "config_test": (2, 0, 4),
        "track_process": (2, 0, 11),
        "vrrp_startup_delay": (2, 0, 14),
        "vrrp_rlimit_rttime": (2, 1, 0),
        "reload_check_config": (2, 2, 0),
        "unicast_fault_no_peer": (2, 2, 5),
    }
)
"""The first release that has each feature."""

PURPOSE = MappingProxyType(
    {
        "unicast_peer": "unicast peers",
        "vrrp_version": "VRRP version 3",
        "fractional_advert": "advertisements more often than once a second",
        "track_file": "notification when HAProxy exits (track_file)",
        "vrrp_rlimit_rttime": "realtime scheduling",
    }
)
"""Descriptions of the features that profiles need."""


class KeepalivedTooOld(UserError):
    """The profile needs features that this release of keepalived lacks."""

    exit_code = Exit.BAD_SPEC


def has(version: str, feature: str) -> bool:
    """Whether that release of keepalived has the feature; raises KeyError for a feature that SINCE does not list."""
    return release(version) >= SINCE[feature]


def needs(profile: Profile) -> tuple[str, ...]:
    """The features that a profile needs."""
    required = {
        "unicast_peer": profile.unicast,
        "vrrp_version": profile.vrrp_version > 2,  # noqa: PLR2004 - every release supports VRRP version 2
        "fractional_advert": profile.advert < 1,
        "track_file": profile.haproxy_is_event,
        "vrrp_rlimit_rttime": profile.realtime,
    }
    return tuple(feature for feature, is_required in required.items() if is_required)


def oldest(profile: Profile) -> str:
    """The first release that has every feature that a profile needs."""
    return _dotted(max((SINCE[feature] for feature in needs(profile)), default=(1, 0, 0)))


def refusals(profile: Profile, version: str) -> tuple[str, ...]:
    """The features that the profile needs and that release lacks, described; empty if it lacks none."""
    lacking = (feature for feature in needs(profile) if not has(version, feature))
    return tuple(f"{PURPOSE[feature]}, from {_dotted(SINCE[feature])} on" for feature in lacking)


def check_version(cluster: Cluster, version: str) -> None:
    """Raise KeepalivedTooOld if that release cannot run the cluster's profile.

    Loading a spec checks the version that it names; this also checks a guest's default, which loading does not know.
    """
    profile = PROFILES[cluster.vrrp.profile]
    lacking = refusals(profile, version)
    if lacking:
        raise KeepalivedTooOld(
            f"keepalived {version} lacks what profile {profile.name} needs: {'; '.join(lacking)}",
            hint=remedy(profile),
        )


def remedy(profile: Profile) -> str:
    """What to do about a release that is too old for the profile."""
    return f"set profile: classic, or keepalived to {oldest(profile)} or later"


def keepalived_for(cluster: Cluster, facts: Facts) -> str:
    """The spec's version; else the guest's default, or its newer one if the default cannot run the profile."""
    lacking = facts.newer_keepalived and refusals(PROFILES[cluster.vrrp.profile], facts.default_keepalived)
    return cluster.keepalived or (facts.newer_keepalived if lacking else facts.default_keepalived)


def profile_of(cluster: Cluster) -> Profile:
    """The cluster's profile."""
    return PROFILES[cluster.vrrp.profile]


def _dotted(numbers: Release) -> str:
    return ".".join(str(number) for number in numbers)
