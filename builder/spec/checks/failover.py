"""Checks of what decides which node holds a VIP: profile, priorities and instances."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Address
from itertools import pairwise

from builder.spec import keepalived_features, syntax
from builder.spec.hints import how_to_add
from builder.spec.model import HIGHEST_PRIORITY
from builder.spec.problem import ANY, Loc, Problem, has, named, nearest, numbers, texts, values_at, vips
from builder.spec.vrrp import PROFILES, SHORT_FORM, Profile, Vrrp

VRRP_2 = 2


def failover_problems(data: object) -> Iterator[Problem]:
    """What keeps the profile from working; nothing if the profile is unknown."""
    given = [str(value) for _, value in values_at(data, "vrrp", "profile")]
    profile = PROFILES.get(next(iter(given), Vrrp.model_fields["profile"].default))
    if profile is not None:
        yield from _keepalived_too_old(data, profile)
        yield from _some_without_priority(data)
        yield from _no_room_for_the_bonus(data, profile)
        yield from _too_far_apart(data, profile)
        yield from _stuck_without_preemption(data, profile)
        if profile.vrrp_version == VRRP_2:
            yield from _ipv6_in_version_2(data, profile)


def _keepalived_too_old(data: object, profile: Profile) -> Iterator[Problem]:
    """A release in the spec that is too old; `keepalived_features.check_version` also checks a guest's default."""
    for loc, version in texts(data, "keepalived"):
        lacking = keepalived_features.refusals(profile, version) if _is_version(version) else ()
        if lacking:
            reason = f"keepalived lacks what profile {profile.name} needs: {'; '.join(lacking)}"
            yield Problem(
                loc, reason, "remove keepalived, so that one of the guest's is chosen, or set profile: classic"
            )


def _is_version(text: str) -> bool:
    try:
        syntax.version(text)
    except syntax.InvalidValue:
        return False
    return True


def _some_without_priority(data: object) -> Iterator[Problem]:
    """Nodes without a priority while others have one, which would make the order of the nodes matter."""
    nodes = [(loc, node) for loc, node in values_at(data, "nodes", ANY) if isinstance(node, dict)]
    if not any(has(node, "priority") for _, node in nodes):
        return
    for loc, node in nodes:
        place = (*loc, "priority")
        if "priority" not in node:
            hint = "give every node a priority, or none of them: then the first node has the highest"
            yield Problem(place, f"{named(place)} is missing", hint, shows_value=False)
        elif node["priority"] is None:
            yield Problem(place, f"{named(place)} has no value", "give one, or remove priority", shows_value=False)


def _no_room_for_the_bonus(data: object, profile: Profile) -> Iterator[Problem]:
    """Priorities that exceed 254 with the bonus: keepalived limits the sum (vrrp_update_priority)."""
    highest = HIGHEST_PRIORITY - profile.bonus
    for loc, priority in numbers(data, "nodes", ANY, "priority"):
        if highest < priority <= HIGHEST_PRIORITY:
            reason = f"{named(loc)} must be {highest} or less with profile {profile.name}"
            yield Problem(
                loc, reason, f"a running HAProxy adds {profile.bonus} to it, and {HIGHEST_PRIORITY} is the maximum"
            )


def _stuck_without_preemption(data: object, profile: Profile) -> Iterator[Problem]:
    """`preempt: false` with a profile that only lowers a priority: a backup that must not preempt ignores that."""
    for loc, preempt in values_at(data, "vrrp", "preempt"):
        if preempt is False and not profile.haproxy_is_event:
            reason = f"{named(loc)} cannot be false with profile {profile.name}: if HAProxy exits, no VIP would move"
            yield Problem(loc, reason, "remove preempt, or use profile: standard")


def _too_far_apart(data: object, profile: Profile) -> Iterator[Problem]:
    """A node with the bonus must outrank the next higher one without it, or no VIP moves when HAProxy exits there."""
    valid = [each for each in numbers(data, "nodes", ANY, "priority") if each[1] <= HIGHEST_PRIORITY]
    ranked = sorted(valid, key=lambda each: each[1], reverse=True)
    for (above, higher), (loc, lower) in pairwise(ranked):
        if profile.bonus and higher - lower >= profile.bonus:
            reason = f"{named(loc)} must be at most {profile.bonus - 1} below that of {named(above[:-1])}"
            hint = f"profile {profile.name} adds {profile.bonus} while HAProxy runs; with this gap, no VIP would move"
            yield Problem(loc, reason, hint)


def _ipv6_in_version_2(data: object, profile: Profile) -> Iterator[Problem]:
    """IPv6 VIPs with VRRP version 2, which supports IPv4 only (RFC 3768, section 1)."""
    for loc, vip in vips(data):
        if isinstance(vip, IPv6Address):
            reason = f"{named(loc)} is IPv6, but profile {profile.name} uses VRRP version 2, which supports IPv4 only"
            yield Problem(loc, reason, "set profile: standard (docs/profiles.md), or remove the VIP")


def instance_problems(data: object) -> Iterator[Problem]:
    """A wrong form of `vrrp`, and instances that prefer unknown nodes."""
    for loc, vrrp in values_at(data, "vrrp"):
        if isinstance(vrrp, dict):
            yield from _incomplete(loc, vrrp) if "instances" not in vrrp else _both_forms(loc, vrrp)
    yield from _unknown_nodes(data)


def _both_forms(loc: Loc, vrrp: dict[str, object]) -> Iterator[Problem]:
    for key in SHORT_FORM if has(vrrp, "instances") else ():
        if has(vrrp, key):
            reason = f"{named((*loc, key))} cannot be combined with instances, which each have their own"
            yield Problem((*loc, key), reason, "remove it, or remove the instances")


def _incomplete(loc: Loc, vrrp: dict[str, object]) -> Iterator[Problem]:
    for key in SHORT_FORM:
        place = (*loc, key)
        if key not in vrrp:
            yield Problem(place, f"{named(place)} is missing", how_to_add(place), shows_value=False)
        elif vrrp[key] is None and key == "virtual_router_id":  # the model accepts this, because instances need none
            yield Problem(
                place, f"{named(place)} has no value", "give one, or remove virtual_router_id", shows_value=False
            )


def _unknown_nodes(data: object) -> Iterator[Problem]:
    """Preferred nodes that do not exist; an instance may name a node by its short name."""
    names = [name for _, name in texts(data, "nodes", ANY, "name")]
    known = {*names, *(name.partition(".")[0] for name in names)}
    for loc, preferred in texts(data, "vrrp", "instances", ANY, "prefer"):
        if names and preferred not in known:
            hint = nearest(preferred, known) or f"the nodes are {', '.join(names)}"
            yield Problem(loc, f"{named(loc)} names no node", hint)
