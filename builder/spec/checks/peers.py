"""Checks of the hosts that the nodes talk to: servers, mail, name and time servers, trusted proxies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv6Address

from builder.spec import management, syntax
from builder.spec.checks.addresses import (
    MANAGEMENT,
    V4,
    V6,
    Family,
    Placed,
    Subnet,
    nodes_subnet,
    ports_beside,
    reserved,
    subnet_of,
)
from builder.spec.environment import TIME_SERVERS
from builder.spec.model import Network, Node
from builder.spec.problem import ANY, Loc, Problem, addresses, given, has, named, numbers, texts, the, values_at, vips
from builder.spec.values import IpAddress, IpNetwork

SERVERS = ("services", ANY, "servers", ANY, "address")
ROUTED = ("services", ANY, "routes", ANY, "servers", ANY, "address")
PRESET_SERVERS = ("presets", ANY, "servers", ANY, "address")
SMTP_SERVER = ("alerts", "smtp_server")
NAME_SERVERS = ("network", "dns", ANY)
BALANCED = (SERVERS, ROUTED, PRESET_SERVERS)
"""The places of servers that HAProxy sends requests to."""
HELPERS = {
    SMTP_SERVER: "which is down when alerts matter most",
    NAME_SERVERS: "which offers only services over TCP",
    TIME_SERVERS: "which offers only services over TCP",
}
"""The places of the servers that the nodes themselves need, with the reason why a VIP is none."""
PROXIES = (("trusted_proxies", ANY), ("services", ANY, "trusted_proxies", ANY))
OWN_ADDRESS = "give the server's own address"
OWN_KEYS = ("address", "address6", "management")
"""The keys of a node for its own addresses."""


def peer_problems(data: object) -> Iterator[Problem]:
    """Hosts that the nodes cannot reach, and VIPs and nodes in the place of another host."""
    for family in (V4, V6):
        subnet = nodes_subnet(data, family)
        if subnet is not None:
            yield from _no_host(data, family, subnet)
            yield from _beyond(data, family, subnet)
    subnet = subnet_of(data, MANAGEMENT, MANAGEMENT.nodes(data))
    if subnet is not None:
        yield from _no_host(data, MANAGEMENT, subnet)
    yield from _without_ipv6(data)
    yield from _sent_to_a_vip(data)
    yield from _sent_to_a_card(data)
    yield from _helpers(data)
    yield from _proxies(data)


def _placed(data: object, *patterns: tuple[str, ...]) -> list[Placed]:
    return [found for pattern in patterns for found in addresses(data, *pattern)]


def _of(data: object, family: Family) -> list[Placed]:
    return [each for each in _placed(data, *BALANCED, *HELPERS) if each[1].version == family.version]


def _no_host(data: object, family: Family, subnet: Subnet) -> Iterator[Problem]:
    """Servers with an address of the subnet that no host can have."""
    for loc, address in _of(data, family):
        if use := reserved(address, family, subnet):
            yield Problem(loc, f"{named(loc)} is the {use} of {subnet}", OWN_ADDRESS)


def _beyond(data: object, family: Family, subnet: Subnet) -> Iterator[Problem]:
    """Servers in another subnet without a gateway.

    IPv6 routers announce themselves, so only IPv4 needs the spec's gateway. A key of `network` that does not exist may
    be a misspelt gateway, which is reported as such.
    """
    keys = next((network for _, network in values_at(data, "network") if isinstance(network, dict)), {})
    misspelt = any(key not in Network.model_fields for key in keys)
    if family is V6 or misspelt or given(data, "network", family.gateway):
        return
    near = [subnet, *_management_networks(data)]
    for loc, address in _of(data, family):
        if not any(address in network for network in near):
            reason = (
                f"{named(loc)} is outside the nodes' {family.subnet} {subnet}, and network has no {family.gateway}"
            )
            yield Problem(loc, reason, f"add {family.gateway}: to network, with the address of the router")


def _management_networks(data: object) -> Iterator[Subnet]:
    """The networks that the nodes reach through their management cards: the subnet, and those of routes."""
    subnet = subnet_of(data, MANAGEMENT, MANAGEMENT.nodes(data))
    if subnet is not None:
        yield subnet
    for _, text in texts(data, "management", "routes", ANY, "to"):
        with suppress(syntax.InvalidValue):
            yield management.subnet(text)


def _without_ipv6(data: object) -> Iterator[Problem]:
    """IPv6 addresses of hosts that some node cannot reach, because it has none itself.

    Where a VIP has one, each node that lacks it is reported; a key that does not exist may be a misspelt address6.
    """
    nodes = [(loc, node) for loc, node in values_at(data, "nodes", ANY) if isinstance(node, dict)]
    misspelt = any(key not in Node.model_fields for _, node in nodes for key in node)
    lacking = [loc for loc, node in nodes if not has(node, "address6")]
    if not lacking or misspelt or any(isinstance(vip, IPv6Address) for _, vip in vips(data)):
        return
    who = "no node has one" if len(lacking) == len(nodes) else f"{named(lacking[0])} has none"
    hint = "use the server's IPv4 address, or give every node an address6, and network its prefix6"
    for loc, _ in _of(data, V6):
        yield Problem(loc, f"{named(loc)} is an IPv6 address, but {who}", hint)


def _sent_to_a_vip(data: object) -> Iterator[Problem]:
    """Servers whose address is a VIP, where HAProxy itself listens."""
    taken = {address for _, address in vips(data)}
    listeners = {(address, port) for address in taken for _, port in numbers(data, "services", ANY, "port")}
    for loc, address in _placed(data, *BALANCED):
        if any((address, port) in listeners for port in ports_beside(data, loc)):
            yield Problem(loc, f"{named(loc)} is a VIP, so HAProxy would send requests to itself", OWN_ADDRESS)
        elif address in taken:
            yield Problem(loc, f"{named(loc)} is a VIP", OWN_ADDRESS)


def _sent_to_a_card(data: object) -> Iterator[Problem]:
    """Servers with the address of a node's management card, whose network clients must not reach.

    What listens on the nodes' addresses in their subnet, such as the statistics page, a service may offer.
    """
    cards = {address: loc for loc, address in MANAGEMENT.nodes(data)}
    for loc, address in _placed(data, *BALANCED):
        if address in cards:
            yield Problem(loc, f"{named(loc)} is also {the(cards[address])}", OWN_ADDRESS)


def _helpers(data: object) -> Iterator[Problem]:
    """Mail, name and time servers that are a VIP or a node, which offer nothing of the kind."""
    shared = {address for _, address in vips(data)}
    own = _own(data)
    for place, reason in HELPERS.items():
        for loc, address in addresses(data, *place):
            if address in shared:
                yield Problem(loc, f"{named(loc)} is a VIP, {reason}", OWN_ADDRESS)
            elif address in own:
                yield Problem(loc, f"{named(loc)} is also {the(own[address])}", OWN_ADDRESS)


def _proxies(data: object) -> Iterator[Problem]:
    """Trusted proxies that are a VIP or a node; a network may contain them beside the proxies."""
    taken = _own(data) | {address: loc for loc, address in vips(data)}
    for loc, text in (found for place in PROXIES for found in texts(data, *place)):
        owner = taken.get(_only_address(text))
        if owner:
            hint = "give the address from which the proxy connects"
            yield Problem(loc, f"{named(loc)} is also {the(owner)}", hint)


def _only_address(text: str) -> IpAddress | None:
    """The address that a trusted proxy stands for, unless it is a network or not valid."""
    with suppress(syntax.InvalidValue):
        network = syntax.network(text)
        if isinstance(network, IpNetwork) and network.num_addresses == 1:
            return network.network_address
    return None


def _own(data: object) -> dict[IpAddress | None, Loc]:
    """The nodes' own addresses, with their places."""
    return {address: loc for key in OWN_KEYS for loc, address in addresses(data, "nodes", ANY, key)}
