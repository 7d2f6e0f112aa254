"""The checks that the chosen profile can work: with this keepalived, and with these priorities."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Address
from itertools import pairwise

from builder.spec import features, syntax
from builder.spec.faults import Fault, named
from builder.spec.instance import Vrrp
from builder.spec.lookup import ANY, each, numbers, texts, vips
from builder.spec.model import HIGHEST_PRIORITY
from builder.spec.profiles import PROFILES, Profile

VRRP_2 = 2


def faults(data: object) -> Iterator[Fault]:
    """What keeps the profile from working; nothing for a profile that there is not."""
    asked = [name for _, name in texts(data, "vrrp", "profile")]
    profile = PROFILES.get(next(iter(asked), Vrrp.model_fields["profile"].default))
    if profile is not None:
        yield from _keepalived_too_old(data, profile)
        yield from _some_without_priority(data)
        yield from _no_room_for_the_bonus(data, profile)
        yield from _too_far_apart(data, profile)
        if profile.vrrp_version == VRRP_2:
            yield from _ipv6_in_version_2(data, profile)


def _keepalived_too_old(data: object, profile: Profile) -> Iterator[Fault]:
    """The release that the spec names; `features.check_version` is for the guest's default."""
    for loc, version in texts(data, "keepalived"):
        lacking = features.refusals(profile, version) if _is_version(version) else ()
        if lacking:
            reason = f"keepalived lacks what profile {profile.name} needs: {'; '.join(lacking)}"
            yield Fault(loc, reason, features.remedy(profile))


def _is_version(text: str) -> bool:
    try:
        syntax.version(text)
    except syntax.Unfit:
        return False
    return True


def _some_without_priority(data: object) -> Iterator[Fault]:
    """All nodes have one or none has, or it would hang on their order what the others' numbers mean."""
    nodes = [(loc, node) for loc, node in each(data, "nodes", ANY) if isinstance(node, dict)]
    if not any("priority" in node for _, node in nodes):
        return
    for loc, node in nodes:
        place = (*loc, "priority")
        if "priority" not in node:
            hint = "give every node one, or none: then the first node has the highest"
            yield Fault(place, f"{named(place)} is missing", hint, shows_value=False)
        elif node["priority"] is None:
            yield Fault(place, f"{named(place)} has no value", "give one, or remove the line", shows_value=False)


def _no_room_for_the_bonus(data: object, profile: Profile) -> Iterator[Fault]:
    """The sum is cut off at 254 (vrrp_update_priority in keepalived), and the nodes would become equal there."""
    highest = HIGHEST_PRIORITY - profile.bonus
    for loc, priority in numbers(data, "nodes", ANY, "priority"):
        if highest < priority <= HIGHEST_PRIORITY:
            reason = f"{named(loc)} must be {highest} or less with profile {profile.name}"
            yield Fault(
                loc, reason, f"a running HAProxy adds {profile.bonus} to it, and {HIGHEST_PRIORITY} is the end"
            )


def _too_far_apart(data: object, profile: Profile) -> Iterator[Fault]:
    """A node with its bonus must pass the next higher one without, or nothing moves when HAProxy ends there."""
    found = [one for one in numbers(data, "nodes", ANY, "priority") if one[1] <= HIGHEST_PRIORITY]
    ranked = sorted(found, key=lambda one: one[1], reverse=True)
    for (above, higher), (loc, lower) in pairwise(ranked):
        if profile.bonus and higher - lower >= profile.bonus:
            reason = f"{named(loc)} must be at most {profile.bonus - 1} below that of {named(above[:-1])}"
            hint = f"with profile {profile.name} a running HAProxy adds {profile.bonus}, and that must decide"
            yield Fault(loc, reason, hint)


def _ipv6_in_version_2(data: object, profile: Profile) -> Iterator[Fault]:
    """It knows IPv4 alone (RFC 3768, section 1); IPv6 came with version 3."""
    for loc, vip in vips(data):
        if isinstance(vip, IPv6Address):
            reason = f"{named(loc)} is IPv6, and profile {profile.name} speaks VRRP version 2, which knows IPv4 alone"
            yield Fault(loc, reason, "set profile: standard (docs/profiles.md), or leave the VIP out")
