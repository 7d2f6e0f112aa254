"""Checks of addresses and names: subnets, gateways and VIPs of both address families, and duplicates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_interface

from builder.spec.model import LONGEST_PREFIX6, SHORTEST_PREFIX6
from builder.spec.problem import ANY, Loc, Problem, addresses, given, named, numbers, texts, the, values_at, vips
from builder.spec.values import LONGEST_PREFIX, SHORTEST_PREFIX, IpAddress

PREFIX: Loc = ("network", "prefix6")
GATEWAY: Loc = ("network", "gateway6")
GATEWAY6_HINT = "remove it, or give every node an address6, and network its prefix6"
LISTS = (
    ("network", "dns"),
    ("network", "search"),
    ("network", "ntp"),
    ("alerts", "recipients"),
    ("operator", "ssh_keys"),
    ("libvirt", "hosts"),
    ("trusted_proxies",),
    *(("services", ANY, name) for name in ("vips", "hosts", "certificates", "trusted_proxies")),
    *(("services", ANY, "routes", ANY, name) for name in ("paths", "hosts")),
    *(("presets", ANY, name) for name in ("vips", "hosts", "mail")),
)
"""Lists of words that must not contain a word twice."""

Placed = tuple[Loc, IpAddress]
Subnet = IPv4Network | IPv6Network
Value = tuple[Loc, object]


@dataclass(frozen=True)
class Family:
    """The spec's keys for the addresses of one IP version."""

    version: int
    node: str
    gateway: str
    prefix: str
    prefixes: range
    subnet: str
    """What messages call the nodes' subnet."""
    section: str = "network"
    """The section with gateway and prefix."""

    def nodes(self, data: object) -> list[Placed]:
        """The nodes' own addresses."""
        return self._of(addresses(data, "nodes", ANY, self.node))

    def gateways(self, data: object) -> list[Placed]:
        """The gateway, unless it is link-local, as an IPv6 gateway may be: that is outside the nodes' subnet."""
        return self._of(addresses(data, self.section, self.gateway))

    def vips(self, data: object) -> list[Placed]:
        """The VIPs of the family."""
        return self._of(vips(data))

    def _of(self, placed: list[Placed]) -> list[Placed]:
        return [(loc, address) for loc, address in placed if address.version == self.version]


V4 = Family(4, "address", "gateway", "prefix", range(SHORTEST_PREFIX, LONGEST_PREFIX + 1), "subnet")
MANAGEMENT = replace(V4, node="management", gateway="", subnet="management subnet", section="management")
V6 = Family(6, "address6", "gateway6", "prefix6", range(SHORTEST_PREFIX6, LONGEST_PREFIX6 + 1), "IPv6 subnet")


def address_problems(data: object) -> Iterator[Problem]:
    """Addresses outside the subnet or reserved in it, and VIPs that are the address of something else."""
    for family in (V4, V6):
        subnet = nodes_subnet(data, family)
        if subnet is not None:
            yield from misplaced(_local(data, family), family, subnet)
        yield from _taken(data, family)


def nodes_subnet(data: object, family: Family) -> Subnet | None:
    """The subnet of the nodes, the VIPs and the gateway."""
    return subnet_of(data, family, _local(data, family))


def _local(data: object, family: Family) -> list[Placed]:
    return [*family.nodes(data), *family.vips(data), *family.gateways(data)]


def subnet_of(data: object, family: Family, local: list[Placed]) -> Subnet | None:
    """The subnet of most of the addresses; if there is a tie, that of the first node."""
    prefix = next((value for _, value in numbers(data, family.section, family.prefix)), 0)
    if prefix not in family.prefixes or not local:
        return None
    networks = Counter(ip_interface(f"{address}/{prefix}").network for _, address in local)
    return networks.most_common(1)[0][0]


def misplaced(local: list[Placed], family: Family, subnet: Subnet) -> Iterator[Problem]:
    """The addresses that are outside the subnet, or that no host of it can have."""
    last = subnet[-2] if family.version == V4.version else subnet[-1]
    hosts = f"its hosts are {subnet[1]} to {last}"
    for loc, address in local:
        if address not in subnet:
            yield Problem(loc, f"{named(loc)} is outside the nodes' {family.subnet} {subnet}", hosts)
        elif use := reserved(address, family, subnet):
            yield Problem(loc, f"{named(loc)} is the {use} of {subnet}", hosts)


def reserved(address: IpAddress, family: Family, subnet: Subnet) -> str:
    """What an address of the subnet stands for if no host can have it; else empty."""
    if address == subnet.network_address:
        return (
            "network address" if family.version == V4.version else "subnet-router anycast address"
        )  # RFC 4291, section 2.6.1
    return "broadcast address" if family.version == V4.version and address == subnet.broadcast_address else ""


def _taken(data: object, family: Family) -> Iterator[Problem]:
    """VIPs that are also the address of a node or the gateway, and nodes with the address of the gateway."""
    nodes, gateway = family.nodes(data), family.gateways(data)
    for loc, address in family.vips(data):
        owner = next((place for place, taken in (*nodes, *gateway) if taken == address), None)
        if owner is not None:
            yield Problem(loc, f"{named(loc)} is also {the(owner)}", "a VIP must be an address that no host has")
    for loc, address in nodes:
        for place, taken in gateway:
            if address == taken:
                yield Problem(loc, f"{named(loc)} is also {the(place)}", "give the node a different address")


def ipv6_problems(data: object) -> Iterator[Problem]:
    """Keys that an IPv6 VIP or a node's IPv6 address needs and that are missing."""
    asking = next((loc for loc, vip in vips(data) if isinstance(vip, IPv6Address)), None)
    if asking:
        yield from _nodes_without(data, asking)
    own = next((loc for loc, _ in values_at(data, "nodes", ANY, "address6")), None)
    if (asking or own) and given(data, *PREFIX[:1]) and not given(data, *PREFIX):
        reason = f"{named(PREFIX)} is missing; {named(asking or own or PREFIX)} needs it"
        yield Problem(PREFIX, reason, "add a line such as prefix6: 64", shows_value=False)
    if not (asking or own) and given(data, *GATEWAY):
        yield Problem(GATEWAY, f"{named(GATEWAY)} is set, but no node has an address6", GATEWAY6_HINT)


def _nodes_without(data: object, asking: Loc) -> Iterator[Problem]:
    with_own = {loc[:-1] for loc, _ in values_at(data, "nodes", ANY, "address6")}
    for loc, node in values_at(data, "nodes", ANY):
        if isinstance(node, dict) and loc not in with_own:
            place = (*loc, "address6")
            hint = "add a line such as address6: 2001:db8:56::11, in the VIP's subnet"
            yield Problem(place, f"{named(place)} is missing; {named(asking)} needs it", hint, shows_value=False)


def duplicate_problems(data: object) -> Iterator[Problem]:
    """Values that must be unique and are not."""
    yield from _unique(texts(data, "nodes", ANY, "name"), "give every node a unique name")
    yield from _short_names(data)
    yield from _unique(addresses(data, "nodes", ANY, "address"), "give every node a unique address")
    yield from _unique(numbers(data, "nodes", ANY, "priority"), "give every node a unique priority")
    yield from _unique(addresses(data, "nodes", ANY, "address6"), "give every node a unique address")
    yield from _unique(vips(data), "remove one of them")
    yield from _unique(texts(data, "vrrp", "instances", ANY, "name"), "give every instance a unique name")
    yield from _unique(
        numbers(data, "vrrp", "instances", ANY, "virtual_router_id"), "give every instance a unique number"
    )
    for pattern in LISTS:
        for loc, _ in values_at(data, *pattern):
            yield from _unique(texts(data, *loc, ANY), "remove one of them")
    yield from _unique(texts(data, "services", ANY, "name"), "give every service a unique name")
    yield from _ports_of_services(data)
    yield from _unique(texts(data, "tls", "certificates", ANY, "name"), "give every certificate a unique name")
    for service, _ in (
        *values_at(data, "services", ANY),
        *values_at(data, "presets", ANY),
        *values_at(data, "services", ANY, "routes", ANY),
    ):
        yield from _unique(texts(data, *service, "servers", ANY, "name"), "give every server a unique name")
        yield from _listeners(data, service)


def _unique(values: Iterable[Value], hint: str) -> Iterator[Problem]:
    for loc, first in repeated(values):
        yield Problem(loc, f"{named(loc)} is also {the(first)}", hint)


def _short_names(data: object) -> Iterator[Problem]:
    """Nodes of different domains with the same short name, which /etc/hosts and `lab ssh` use."""
    names = texts(data, "nodes", ANY, "name")
    same = {loc for loc, _ in repeated(names)}
    short = [(loc, name.partition(".")[0]) for loc, name in names if loc not in same]
    for loc, first in repeated(short):
        reason = f"{named(loc)} is the same as {the(first)} up to the first dot"
        yield Problem(loc, reason, "give every node a unique short name")


def _ports_of_services(data: object) -> Iterator[Problem]:
    """Services with the same port on the same VIP."""
    everywhere = [address for _, address in vips(data)]
    first: dict[tuple[object, int], Loc] = {}
    for loc, port in numbers(data, "services", ANY, "port"):
        own = [address for _, address in addresses(data, *loc[:-1], "vips", ANY)] or everywhere
        earlier = [first[vip, port] for vip in own if (vip, port) in first]
        first.update({(vip, port): loc for vip in own if (vip, port) not in first})
        if earlier:
            yield Problem(loc, f"{named(loc)} is also {the(min(earlier))}", "give every service a unique port")


def _listeners(data: object, service: Loc) -> Iterator[Problem]:
    """Servers of a service with the same address and port."""
    servers = addresses(data, *service, "servers", ANY, "address")
    listeners = [(loc, (address, port)) for loc, address in servers for port in ports_beside(data, loc)]
    for loc, first in repeated(listeners):
        reason = f"{named(loc[:-1])} has the same address and port as {named(first[:-1])}"
        yield Problem(loc, reason, "remove one of them")


def ports_beside(data: object, address: Loc) -> list[int]:
    """The port next to an address; empty if it is missing or not a number."""
    return [port for _, port in numbers(data, *address[:-1], "port")]


def repeated(values: Iterable[Value]) -> Iterator[tuple[Loc, Loc]]:
    """The place of each repeated value, with the place of its first occurrence."""
    first: dict[object, Loc] = {}
    for loc, value in values:
        if value in first:
            yield loc, first[value]
        else:
            first[value] = loc
