"""The checks of what goes with IPv6 VIPs: addresses of the nodes, so that there is a subnet that the VIPs lie in."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Address

from builder.spec.faults import Fault, Loc, named
from builder.spec.lookup import ANY, each, vips

PREFIX: Loc = ("network", "prefix6")
GATEWAY: Loc = ("network", "gateway6")


def faults(data: object) -> Iterator[Fault]:
    """What is missing beside an IPv6 VIP, or beside a node's IPv6 address."""
    asking = next((loc for loc, vip in vips(data) if isinstance(vip, IPv6Address)), None)
    if asking:
        yield from _nodes_without(data, asking)
    own = next((loc for loc, _ in each(data, "nodes", ANY, "address6")), None)
    if (asking or own) and not _given(data, PREFIX):
        reason = f"{named(PREFIX)} is missing, which {named(asking or own or PREFIX)} needs"
        yield Fault(PREFIX, reason, "add a line such as prefix6: 64", shows_value=False)
    if not (asking or own) and _given(data, GATEWAY):
        yield Fault(GATEWAY, f"{named(GATEWAY)} is given, and no node has an address6", "give every node one")


def _nodes_without(data: object, asking: Loc) -> Iterator[Fault]:
    with_own = {loc[:-1] for loc, _ in each(data, "nodes", ANY, "address6")}
    for loc, node in each(data, "nodes", ANY):
        if isinstance(node, dict) and loc not in with_own:
            place = (*loc, "address6")
            hint = "add a line such as address6: 2001:db8:56::11, in the VIP's subnet"
            yield Fault(place, f"{named(place)} is missing, which {named(asking)} needs", hint, shows_value=False)


def _given(data: object, place: Loc) -> bool:
    return any(value is not None for _, value in each(data, *place))
