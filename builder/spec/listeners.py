"""The services that presets stand for, beside the others: what listens where, each port of a VIP once."""

from __future__ import annotations

from collections.abc import Iterator

from builder.spec import presets
from builder.spec.faults import Fault, Loc, named, the
from builder.spec.model import Cluster
from builder.spec.places import IpAddress
from builder.spec.service import Service

Placed = tuple[Loc, Service]


def expand(cluster: Cluster) -> Cluster:
    """The cluster with the services of its presets among its services."""
    made = tuple(service for preset in cluster.presets for service in presets.services(preset))
    return cluster.model_copy(update={"services": (*cluster.services, *made), "presets": ()})


def placed(cluster: Cluster) -> list[Placed]:
    """Every service with the place in the spec that it comes from."""
    own: list[Placed] = [(("services", index), service) for index, service in enumerate(cluster.services)]
    made = [
        (("presets", index), service)
        for index, preset in enumerate(cluster.presets)
        for service in presets.services(preset)
    ]
    return [*own, *made]


def faults(cluster: Cluster) -> Iterator[Fault]:
    """What presets collide with; services among themselves are `builder.spec.uniqueness`'s."""
    everything = placed(cluster)
    if not everything:
        yield Fault(("services",), "the spec has no service", "add services: or presets: (docs/services.md)")
    yield from _ports(cluster, everything)
    yield from _names(everything)


def _ports(cluster: Cluster, everything: list[Placed]) -> Iterator[Fault]:
    """One port of one VIP wanted twice, where a preset is one of the two."""
    taken: dict[tuple[IpAddress, int], Loc] = {}
    told = set()
    for loc, service in everything:
        for vip in service.vips or cluster.vrrp.vips:
            first = taken.setdefault((vip, service.port), loc)
            if first != loc and loc[0] == "presets" and (loc, service.port) not in told:
                told.add((loc, service.port))
                reason = f"{named(loc)} listens on port {service.port} of {vip}, and so does {the(first)}"
                yield Fault(loc, reason, "give them different VIPs, or leave one out", shows_value=False)


def _names(everything: list[Placed]) -> Iterator[Fault]:
    """A name that HAProxy's file would have twice: of services, and of routes after their service's."""
    taken: dict[str, Loc] = {}
    for loc, service in everything:
        for name in (service.name, *(f"{service.name}-{route.name}" for route in service.routes)):
            first = taken.setdefault(name, loc)
            if first != loc and not (loc[0] == first[0] == "services" and name == service.name):
                reason = f"{named(loc)} needs the name {name}, which {the(first)} has"
                yield Fault(loc, reason, "give one of them another name", shows_value=False)
