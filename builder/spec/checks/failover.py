"""Checks of what decides who holds a VIP: priorities, instances, tracking."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Address
from itertools import pairwise

from builder.spec import features, syntax
from builder.spec.hints import how_to_give
from builder.spec.model import HIGHEST_PRIORITY
from builder.spec.problem import ANY, Loc, Problem, each, named, nearest, numbers, texts, vips
from builder.spec.vrrp import PROFILES, Profile, Vrrp

VRRP_2 = 2


def failover_problems(data: object) -> Iterator[Problem]:
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


def _keepalived_too_old(data: object, profile: Profile) -> Iterator[Problem]:
    """The release that the spec names; `features.check_version` is for the guest's default."""
    for loc, version in texts(data, "keepalived"):
        lacking = features.refusals(profile, version) if _is_version(version) else ()
        if lacking:
            reason = f"keepalived lacks what profile {profile.name} needs: {'; '.join(lacking)}"
            yield Problem(loc, reason, features.remedy(profile))


def _is_version(text: str) -> bool:
    try:
        syntax.version(text)
    except syntax.Unfit:
        return False
    return True


def _some_without_priority(data: object) -> Iterator[Problem]:
    """All nodes have one or none has, or it would hang on their order what the others' numbers mean."""
    nodes = [(loc, node) for loc, node in each(data, "nodes", ANY) if isinstance(node, dict)]
    if not any("priority" in node for _, node in nodes):
        return
    for loc, node in nodes:
        place = (*loc, "priority")
        if "priority" not in node:
            hint = "give every node one, or none: then the first node has the highest"
            yield Problem(place, f"{named(place)} is missing", hint, shows_value=False)
        elif node["priority"] is None:
            yield Problem(place, f"{named(place)} has no value", "give one, or remove the line", shows_value=False)


def _no_room_for_the_bonus(data: object, profile: Profile) -> Iterator[Problem]:
    """The sum is cut off at 254 (vrrp_update_priority in keepalived), and the nodes would become equal there."""
    highest = HIGHEST_PRIORITY - profile.bonus
    for loc, priority in numbers(data, "nodes", ANY, "priority"):
        if highest < priority <= HIGHEST_PRIORITY:
            reason = f"{named(loc)} must be {highest} or less with profile {profile.name}"
            yield Problem(
                loc, reason, f"a running HAProxy adds {profile.bonus} to it, and {HIGHEST_PRIORITY} is the end"
            )


def _too_far_apart(data: object, profile: Profile) -> Iterator[Problem]:
    """A node with its bonus must pass the next higher one without, or nothing moves when HAProxy ends there."""
    found = [one for one in numbers(data, "nodes", ANY, "priority") if one[1] <= HIGHEST_PRIORITY]
    ranked = sorted(found, key=lambda one: one[1], reverse=True)
    for (above, higher), (loc, lower) in pairwise(ranked):
        if profile.bonus and higher - lower >= profile.bonus:
            reason = f"{named(loc)} must be at most {profile.bonus - 1} below that of {named(above[:-1])}"
            hint = f"with profile {profile.name} a running HAProxy adds {profile.bonus}, and that must decide"
            yield Problem(loc, reason, hint)


def _ipv6_in_version_2(data: object, profile: Profile) -> Iterator[Problem]:
    """It knows IPv4 alone (RFC 3768, section 1); IPv6 came with version 3."""
    for loc, vip in vips(data):
        if isinstance(vip, IPv6Address):
            reason = f"{named(loc)} is IPv6, and profile {profile.name} speaks VRRP version 2, which knows IPv4 alone"
            yield Problem(loc, reason, "set profile: standard (docs/profiles.md), or leave the VIP out")


SHORT_FORM = ("virtual_router_id", "vips")


def instance_problems(data: object) -> Iterator[Problem]:
    """What is wrong with the form, and with the nodes that instances name."""
    for loc, vrrp in each(data, "vrrp"):
        if isinstance(vrrp, dict):
            yield from _both_forms(loc, vrrp) if "instances" in vrrp else _not_whole(loc, vrrp)
    yield from _strangers(data)


def _both_forms(loc: Loc, vrrp: dict[str, object]) -> Iterator[Problem]:
    for key in SHORT_FORM:
        if key in vrrp:
            reason = f"{named((*loc, key))} stands beside instances, which have each their own"
            yield Problem((*loc, key), reason, "remove it here, or the instances")


def _not_whole(loc: Loc, vrrp: dict[str, object]) -> Iterator[Problem]:
    for key in SHORT_FORM:
        place = (*loc, key)
        if key not in vrrp:
            yield Problem(place, f"{named(place)} is missing", how_to_give(place), shows_value=False)
        elif vrrp[key] is None and key == "virtual_router_id":  # the model takes this, for instances need none
            yield Problem(place, f"{named(place)} has no value", "give one, or remove the line", shows_value=False)


def _strangers(data: object) -> Iterator[Problem]:
    """Preferred nodes that are none; a node may be called by its short name."""
    names = [name for _, name in texts(data, "nodes", ANY, "name")]
    known = {*names, *(name.partition(".")[0] for name in names)}
    for loc, preferred in texts(data, "vrrp", "instances", ANY, "prefer"):
        if names and preferred not in known:
            hint = nearest(preferred, known) or f"the nodes are {', '.join(names)}"
            yield Problem(loc, f"{named(loc)} is no node", hint)
