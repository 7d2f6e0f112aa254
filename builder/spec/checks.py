"""The checks of what holds between values; each gives the faults that it finds in a spec's data."""

from __future__ import annotations

from collections.abc import Iterator

from builder.spec import addressing, failover, instances, ipv6, uniqueness
from builder.spec.faults import Fault, named
from builder.spec.image import faults as image_faults
from builder.spec.libvirt import faults as libvirt_faults
from builder.spec.lookup import ANY, numbers

SSH_PORT = 22


def faults(data: object) -> Iterator[Fault]:
    """All of them, in no order."""
    yield from addressing.faults(data)
    yield from ipv6.faults(data)
    yield from instances.faults(data)
    yield from uniqueness.faults(data)
    yield from failover.faults(data)
    yield from image_faults(data)
    yield from libvirt_faults(data)
    yield from _ssh_port(data)


def _ssh_port(data: object) -> Iterator[Fault]:
    for loc, port in (*numbers(data, "services", ANY, "port"), *numbers(data, "statistics", "port")):
        if port == SSH_PORT:
            yield Fault(loc, f"{named(loc)} is that of the nodes' own SSH", "choose another port")
