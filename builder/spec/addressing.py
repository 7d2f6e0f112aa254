"""The checks of the addresses among each other: one subnet a family, and nobody's address twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_interface

from builder.spec.faults import Fault, Loc, named, the
from builder.spec.lookup import ANY, addresses, numbers, vips
from builder.spec.model import LONGEST_PREFIX, LONGEST_PREFIX6, SHORTEST_PREFIX, SHORTEST_PREFIX6
from builder.spec.places import IpAddress

SERVERS = ("services", ANY, "servers", ANY, "address")
ROUTED = ("services", ANY, "routes", ANY, "servers", ANY, "address")
PRESET_SERVERS = ("presets", ANY, "servers", ANY, "address")
SMTP_SERVER = ("alerts", "smtp_server")
OWN_ADDRESS = "give the server's own address"

Placed = tuple[Loc, IpAddress]
Subnet = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Family:
    """The keys of one family's addresses."""

    version: int
    node: str
    gateway: str
    prefix: str
    prefixes: range
    subnet: str
    """What the nodes' subnet is called."""

    def nodes(self, data: object) -> list[Placed]:
        """The nodes' own addresses."""
        return self._of(addresses(data, "nodes", ANY, self.node))

    def gateways(self, data: object) -> list[Placed]:
        """The gateway; not one that is link-local, as with IPv6 it may be, for that is in no subnet of ours."""
        return self._of(addresses(data, "network", self.gateway))

    def vips(self, data: object) -> list[Placed]:
        """The VIPs of the family."""
        return self._of(vips(data))

    def _of(self, placed: list[Placed]) -> list[Placed]:
        return [(loc, address) for loc, address in placed if address.version == self.version]


V4 = Family(4, "address", "gateway", "prefix", range(SHORTEST_PREFIX, LONGEST_PREFIX + 1), "subnet")
V6 = Family(6, "address6", "gateway6", "prefix6", range(SHORTEST_PREFIX6, LONGEST_PREFIX6 + 1), "IPv6 subnet")


def faults(data: object) -> Iterator[Fault]:
    """Addresses outside the subnet or at its ends, and VIPs that something else has."""
    for family in (V4, V6):
        local = [*family.nodes(data), *family.vips(data), *family.gateways(data)]
        subnet = _subnet(data, family, local)
        if subnet is not None:
            yield from _misplaced(local, family, subnet)
        yield from _taken(data, family)
    yield from _sent_to_a_vip(data)


def _subnet(data: object, family: Family, local: list[Placed]) -> Subnet | None:
    """The subnet that most of the addresses are in; among equals, the first node's."""
    prefix = next((value for _, value in numbers(data, "network", family.prefix)), 0)
    if prefix not in family.prefixes or not local:
        return None
    networks = Counter(ip_interface(f"{address}/{prefix}").network for _, address in local)
    return networks.most_common(1)[0][0]


def _misplaced(local: list[Placed], family: Family, subnet: Subnet) -> Iterator[Fault]:
    last = subnet[-2] if family is V4 else subnet[-1]
    hosts = f"its hosts are {subnet[1]} to {last}"
    for loc, address in local:
        if address not in subnet:
            yield Fault(loc, f"{named(loc)} is outside the nodes' {family.subnet} {subnet}", hosts)
        elif address == subnet.network_address:
            first = "network address" if family is V4 else "address of any router"  # RFC 4291, section 2.6.1
            yield Fault(loc, f"{named(loc)} is the {first} of {subnet}", hosts)
        elif family is V4 and address == subnet.broadcast_address:
            yield Fault(loc, f"{named(loc)} is the broadcast address of {subnet}", hosts)


def _taken(data: object, family: Family) -> Iterator[Fault]:
    """VIPs that are a node's address or the gateway, and nodes that are the gateway."""
    nodes, gateway = family.nodes(data), family.gateways(data)
    for loc, address in family.vips(data):
        owner = next((place for place, taken in (*nodes, *gateway) if taken == address), None)
        if owner is not None:
            yield Fault(loc, f"{named(loc)} is also {the(owner)}", "a VIP is an address that no host has")
    for loc, address in nodes:
        for place, taken in gateway:
            if address == taken:
                yield Fault(loc, f"{named(loc)} is also {the(place)}", "give the node an address of its own")


def _sent_to_a_vip(data: object) -> Iterator[Fault]:
    """Servers and the SMTP server at a VIP: there, HAProxy itself listens."""
    taken = {address for _, address in vips(data)}
    listeners = {(address, port) for address in taken for _, port in numbers(data, "services", ANY, "port")}
    for loc, address in (found for each in (SERVERS, ROUTED, PRESET_SERVERS) for found in addresses(data, *each)):
        ports = [port for _, port in numbers(data, *loc[:-1], "port")]
        if any((address, port) in listeners for port in ports):
            yield Fault(loc, f"{named(loc)} is a VIP, so HAProxy would send requests to itself", OWN_ADDRESS)
        elif address in taken:
            yield Fault(loc, f"{named(loc)} is a VIP", OWN_ADDRESS)
    for loc, address in addresses(data, *SMTP_SERVER):
        if address in taken:
            yield Fault(loc, f"{named(loc)} is a VIP, which is down when alerts matter most", OWN_ADDRESS)
