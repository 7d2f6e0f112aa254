"""Checks between the values of a spec. Each one yields the problems that it finds in the data."""

from __future__ import annotations

from collections.abc import Iterator

from builder.spec.checks import addresses, failover, management
from builder.spec.problem import ANY, Problem, named, numbers
from builder.spec.sections import image_problems, libvirt_problems

SSH_PORT = 22


def problems(data: object) -> Iterator[Problem]:
    """The problems that all checks find, in no particular order."""
    yield from addresses.address_problems(data)
    yield from addresses.ipv6_problems(data)
    yield from failover.instance_problems(data)
    yield from management.management_problems(data)
    yield from addresses.duplicate_problems(data)
    yield from failover.failover_problems(data)
    yield from image_problems(data)
    yield from libvirt_problems(data)
    yield from _ssh_port(data)


def _ssh_port(data: object) -> Iterator[Problem]:
    for loc, port in (*numbers(data, "services", ANY, "port"), *numbers(data, "statistics", "port")):
        if port == SSH_PORT:
            yield Problem(loc, f"{named(loc)} is the port of the nodes' SSH server", "choose another port")
