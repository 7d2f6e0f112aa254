"""The checks of what holds between values; each gives the faults that it finds in a spec's data."""

from __future__ import annotations

from collections.abc import Iterator

from builder.spec.checks import addresses, failover
from builder.spec.problem import ANY, Problem, named, numbers
from builder.spec.sections import image_problems as image_faults
from builder.spec.sections import libvirt_problems as libvirt_faults

SSH_PORT = 22


def problems(data: object) -> Iterator[Problem]:
    """All of them, in no order."""
    yield from addresses.address_problems(data)
    yield from addresses.ipv6_problems(data)
    yield from failover.instance_problems(data)
    yield from addresses.duplicate_problems(data)
    yield from failover.failover_problems(data)
    yield from image_faults(data)
    yield from libvirt_faults(data)
    yield from _ssh_port(data)


def _ssh_port(data: object) -> Iterator[Problem]:
    for loc, port in (*numbers(data, "services", ANY, "port"), *numbers(data, "statistics", "port")):
        if port == SSH_PORT:
            yield Problem(loc, f"{named(loc)} is that of the nodes' own SSH", "choose another port")
