"""The checks of vrrp: one of its two forms, whole, and nodes to prefer that there are."""

from __future__ import annotations

from collections.abc import Iterator

from builder.spec.faults import Fault, Loc, named
from builder.spec.keys import how_to_give, nearest
from builder.spec.lookup import ANY, each, texts

SHORT_FORM = ("virtual_router_id", "vips")


def faults(data: object) -> Iterator[Fault]:
    """What is wrong with the form, and with the nodes that instances name."""
    for loc, vrrp in each(data, "vrrp"):
        if isinstance(vrrp, dict):
            yield from _both_forms(loc, vrrp) if "instances" in vrrp else _not_whole(loc, vrrp)
    yield from _strangers(data)


def _both_forms(loc: Loc, vrrp: dict[str, object]) -> Iterator[Fault]:
    for key in SHORT_FORM:
        if key in vrrp:
            reason = f"{named((*loc, key))} stands beside instances, which have each their own"
            yield Fault((*loc, key), reason, "remove it here, or the instances")


def _not_whole(loc: Loc, vrrp: dict[str, object]) -> Iterator[Fault]:
    for key in SHORT_FORM:
        place = (*loc, key)
        if key not in vrrp:
            yield Fault(place, f"{named(place)} is missing", how_to_give(place), shows_value=False)
        elif vrrp[key] is None and key == "virtual_router_id":  # the model takes this, for instances need none
            yield Fault(place, f"{named(place)} has no value", "give one, or remove the line", shows_value=False)


def _strangers(data: object) -> Iterator[Fault]:
    """Preferred nodes that are none; a node may be called by its short name."""
    names = [name for _, name in texts(data, "nodes", ANY, "name")]
    known = {*names, *(name.partition(".")[0] for name in names)}
    for loc, preferred in texts(data, "vrrp", "instances", ANY, "prefer"):
        if names and preferred not in known:
            hint = nearest(preferred, known) or f"the nodes are {', '.join(names)}"
            yield Fault(loc, f"{named(loc)} is no node", hint)
