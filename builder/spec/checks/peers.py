"""Checks of the hosts that the nodes talk to: servers, mail, name and time servers, trusted proxies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv6Address

from builder.spec import syntax
from builder.spec.checks.addresses import NAME_SERVERS, OWN_ADDRESS, SMTP_SERVER, V6
from builder.spec.environment import TIME_SERVERS
from builder.spec.model import Node
from builder.spec.problem import ANY, Loc, Problem, addresses, named, texts, the, values_at, vips
from builder.spec.values import IpAddress, IpNetwork

HELPERS = {
    SMTP_SERVER: "which is down when alerts matter most",
    NAME_SERVERS: "which offers only services over TCP",
    TIME_SERVERS: "which offers only services over TCP",
}
"""The places of the servers that the nodes themselves need, with the reason why a VIP is none."""
PROXIES = (("trusted_proxies", ANY), ("services", ANY, "trusted_proxies", ANY))
OWN_KEYS = ("address", "address6", "management")
"""The keys of a node for its own addresses."""


def peer_problems(data: object) -> Iterator[Problem]:
    """Hosts that the nodes cannot reach over IPv6, and VIPs and nodes in the place of another host."""
    yield from _without_ipv6(data)
    yield from _helpers(data)
    yield from _proxies(data)


def _without_ipv6(data: object) -> Iterator[Problem]:
    """IPv6 addresses of hosts that some node cannot reach, because it has none itself.

    Where a VIP has one, each node that lacks it is reported; a key that does not exist may be a misspelt address6.
    """
    nodes = [(loc, node) for loc, node in values_at(data, "nodes", ANY) if isinstance(node, dict)]
    misspelt = any(key not in Node.model_fields for _, node in nodes for key in node)
    lacking = [loc for loc, node in nodes if node.get("address6") is None]
    if not lacking or misspelt or any(isinstance(vip, IPv6Address) for _, vip in vips(data)):
        return
    who = "no node has one" if len(lacking) == len(nodes) else f"{named(lacking[0])} has none"
    hint = "use the server's IPv4 address, or give every node an address6, and network its prefix6"
    for loc, _ in V6.peers(data):
        yield Problem(loc, f"{named(loc)} is an IPv6 address, but {who}", hint)


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
