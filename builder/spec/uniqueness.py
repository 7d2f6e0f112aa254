"""The checks that names, addresses, priorities and ports are given once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from builder.spec.faults import Fault, Loc, named, the
from builder.spec.lookup import ANY, addresses, each, numbers, texts, vips

Placed = tuple[Loc, object]


def faults(data: object) -> Iterator[Fault]:
    """Every value that an earlier one of its kind has already."""
    yield from _unique(texts(data, "nodes", ANY, "name"), "give every node a name of its own")
    yield from _short_names(data)
    yield from _unique(addresses(data, "nodes", ANY, "address"), "give every node an address of its own")
    yield from _unique(numbers(data, "nodes", ANY, "priority"), "give every node a priority of its own")
    yield from _unique(addresses(data, "nodes", ANY, "address6"), "give every node an address of its own")
    yield from _unique(vips(data), "remove one of them")
    yield from _unique(texts(data, "vrrp", "instances", ANY, "name"), "give every instance a name of its own")
    yield from _unique(
        numbers(data, "vrrp", "instances", ANY, "virtual_router_id"), "give every instance a number of its own"
    )
    yield from _unique(texts(data, "services", ANY, "name"), "give every service a name of its own")
    yield from _ports_of_services(data)
    yield from _unique(texts(data, "tls", "certificates", ANY, "name"), "give every certificate a name of its own")
    for service, _ in (
        *each(data, "services", ANY),
        *each(data, "presets", ANY),
        *each(data, "services", ANY, "routes", ANY),
    ):
        yield from _unique(texts(data, *service, "servers", ANY, "name"), "give every server a name of its own")
        yield from _listeners(data, service)


def _unique(values: Iterable[Placed], hint: str) -> Iterator[Fault]:
    for loc, first in _repeated(values):
        yield Fault(loc, f"{named(loc)} is also {the(first)}", hint)


def _short_names(data: object) -> Iterator[Fault]:
    """Nodes of different domains with one short name: people, /etc/hosts and `lab ssh` know nodes by it."""
    names = texts(data, "nodes", ANY, "name")
    repeated = {loc for loc, _ in _repeated(names)}
    short = [(loc, name.partition(".")[0]) for loc, name in names if loc not in repeated]
    for loc, first in _repeated(short):
        reason = f"{named(loc)} is up to its first dot the same as {the(first)}"
        yield Fault(loc, reason, "give every node a short name of its own")


def _ports_of_services(data: object) -> Iterator[Fault]:
    """Services of one port, but for those that are on VIPs of their own."""
    everywhere = [address for _, address in vips(data)]
    first: dict[tuple[object, int], Loc] = {}
    for loc, port in numbers(data, "services", ANY, "port"):
        own = [address for _, address in addresses(data, *loc[:-1], "vips", ANY)] or everywhere
        earlier = [first[vip, port] for vip in own if (vip, port) in first]
        first.update({(vip, port): loc for vip in own if (vip, port) not in first})
        if earlier:
            yield Fault(loc, f"{named(loc)} is also {the(min(earlier))}", "give every service a port of its own")


def _listeners(data: object, service: Loc) -> Iterator[Fault]:
    """Servers of one service with the same address and port."""
    servers = addresses(data, *service, "servers", ANY, "address")
    listeners = [(loc, (address, port)) for loc, address in servers for port in _ports(data, loc)]
    for loc, first in _repeated(listeners):
        reason = f"{named(loc[:-1])} has the address and the port of {named(first[:-1])}"
        yield Fault(loc, reason, "remove one of them")


def _ports(data: object, address: Loc) -> list[int]:
    """The port beside an address: one, or none where it is missing or broken."""
    return [port for _, port in numbers(data, *address[:-1], "port")]


def _repeated(values: Iterable[Placed]) -> Iterator[tuple[Loc, Loc]]:
    """The place of each value that came before, with the place where it came first."""
    first: dict[object, Loc] = {}
    for loc, value in values:
        if value in first:
            yield loc, first[value]
        else:
            first[value] = loc
