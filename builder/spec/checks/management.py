"""Checks of the nodes' network cards: the management network beside the cluster's, and hardware addresses."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from builder.spec import management
from builder.spec.checks.addresses import MANAGEMENT, V4, Subnet, misplaced, nodes_subnet, repeated, subnet_of
from builder.spec.problem import ANY, Loc, Problem, addresses, has, named, texts, the, values_at
from builder.spec.syntax import InvalidValue

SECTION: Loc = ("management",)
NODES = ("nodes", ANY)
CARDS = ("mac", "management_mac")


def management_problems(data: object) -> Iterator[Problem]:
    """What keeps the cards apart, and values that the section and the nodes lack."""
    yield from _cards_twice(data)
    section = next((value for _, value in values_at(data, *SECTION) if isinstance(value, dict)), None)
    if section is None:
        yield from _without_section(data)
        return
    yield from _nodes_without(data)
    yield from _interfaces(data)
    own = MANAGEMENT.nodes(data)
    subnet = subnet_of(data, MANAGEMENT, own)
    if subnet is not None:
        yield from misplaced(own, MANAGEMENT, subnet)
        yield from _overlap(data, subnet, own[0][0])
        yield from _routes(data, subnet)
    for loc, first in repeated(own):
        yield Problem(loc, f"{named(loc)} is also {the(first)}", "give every node a unique address")


def _without_section(data: object) -> Iterator[Problem]:
    for key in ("management", "management_mac"):
        for loc, _ in values_at(data, *NODES, key):
            hint = f"add a section such as management: {{prefix: 24}}, or remove {key}"
            yield Problem(loc, f"{named(loc)} has no effect without the section management", hint)


def _nodes_without(data: object) -> Iterator[Problem]:
    for loc, node in values_at(data, *NODES):
        if isinstance(node, dict) and not has(node, "management"):
            place = (*loc, "management")
            hint = "add a line such as management: 10.9.0.11, in the management subnet"
            yield Problem(
                place, f"{named(place)} is missing; the section management needs it", hint, shows_value=False
            )
        elif isinstance(node, dict) and has(node, "mac") != has(node, "management_mac"):
            lacking, given = CARDS[::-1] if has(node, "mac") else CARDS
            place = (*loc, lacking)
            reason = f"{named(place)} is missing, and {the((*loc, given))} is given"
            hint = "give both or none of them: without them, the order of the cards decides which is which"
            yield Problem(place, reason, hint, shows_value=False)


def _interfaces(data: object) -> Iterator[Problem]:
    cluster = {name for _, name in texts(data, "network", "interface") if name != "auto"}
    for loc, name in texts(data, *SECTION, "interface"):
        if name in cluster:
            hint = "name another card, or leave both out: then eth0 is the cluster's, and eth1 is for management"
            yield Problem(loc, f"{named(loc)} is also the interface of network", hint)


def _overlap(data: object, subnet: Subnet, first: Loc) -> Iterator[Problem]:
    own = nodes_subnet(data, V4)
    if own is not None and own.overlaps(subnet):
        reason = f"{named(first)} is in {subnet}, which overlaps the nodes' subnet {own}"
        yield Problem(
            first, reason, "give the management network addresses of its own: a node has a card in each network"
        )


def _routes(data: object, subnet: Subnet) -> Iterator[Problem]:
    nodes = {address: loc for loc, address in MANAGEMENT.nodes(data)}
    routers = addresses(data, *SECTION, "routes", ANY, "via")
    yield from misplaced(routers, MANAGEMENT, subnet)
    for loc, address in routers:
        if address in nodes:
            yield Problem(loc, f"{named(loc)} is also {the(nodes[address])}", "give the address of the router")
    own = subnet_of(data, V4, V4.nodes(data))
    targets = [(loc, _network(text)) for loc, text in texts(data, *SECTION, "routes", ANY, "to")]
    for loc, first in repeated(each for each in targets if each[1]):
        yield Problem(loc, f"{named(loc)} is also {the(first)}", "remove one of them: a network has one route")
    for loc, target in targets:
        for taken, name in ((subnet, "management subnet"), (own, "subnet")):
            if target and isinstance(taken, IPv4Network) and target.subnet_of(taken):
                yield Problem(
                    loc, f"{named(loc)} is in the nodes' {name} {taken}", "remove the route: it needs no router"
                )


def _network(text: str) -> IPv4Network | None:
    try:
        return management.subnet(text)
    except InvalidValue:
        return None


def hardware_addresses(data: object) -> list[tuple[Loc, str]]:
    """The hardware addresses of the nodes' cards, in lower case."""
    return [(loc, text.lower()) for key in CARDS for loc, text in texts(data, *NODES, key)]


def _cards_twice(data: object) -> Iterator[Problem]:
    for loc, first in repeated(hardware_addresses(data)):
        yield Problem(loc, f"{named(loc)} is also {the(first)}", "give every card's own hardware address")
