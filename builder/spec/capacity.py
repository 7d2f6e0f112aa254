"""How many connections a node can hold, which follows from its memory; and limits in a spec that exceed this.

The costs are for a node under attack, when every connection fills its buffers. HAProxy 2.6 was measured with 1000
connections: an idle one takes 1 KiB, one with a waiting request 5 KiB, with TLS to the client 19 KiB, and with TLS on
both sides 44 KiB, before its buffers are full.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from builder.spec.backends import backends
from builder.spec.model import MAX_CONNECTIONS, Cluster
from builder.spec.problem import Loc, Problem, named

KIB_PER_MIB = 1024
STEP = 100
MEMORY_STEP_MIB = 64
SYSTEM_MIB = 384
"""What the guest and HAProxy without connections use, at most."""
PLAIN_KIB = 34
"""Two buffers of 16 KiB (tune.bufsize) and the stream, as HAProxy itself counts them (STREAM_MAX_COST)."""
KERNEL_KIB = 10
"""Two sockets with empty buffers, and their two entries in the connection table."""
CLIENT_TLS_KIB = 16
"""A TLS session with a client; HAProxy's SSL_SESSION_MAX_COST."""
SERVER_TLS_KIB = 24
"""A TLS session with a server, as measured."""
TABLE_MIB = 20
"""A stick-table of 100 000 clients: 210 bytes each, as measured."""
FEWEST = 1000
"""A node that can hold fewer connections than this is too small for its spec."""


def max_connections(cluster: Cluster) -> int:
    """HAProxy's `maxconn`: connections of clients that one node serves at a time, from the spec or its memory.

    Each takes two file descriptors and two entries in the kernel's connection table: to the client and to the server.
    """
    return cluster.haproxy.maxconn or room_for(cluster)


def capacity_problems(cluster: Cluster) -> Iterator[Problem]:
    """A node too small for the spec, and limits above what a node can hold."""
    room, memory, cost = room_for(cluster), cluster.libvirt.memory_mib, _connection_kib(cluster)
    wanted = cluster.haproxy.maxconn
    if room < (wanted or FEWEST):
        loc = ("haproxy", "maxconn") if wanted else _cause(cluster)
        reason = f"a node with {memory} MiB of memory can hold {room} connections, which take up to {cost} KiB each"
        less = room if wanted and room >= FEWEST else 0
        yield Problem(loc, reason, _remedy(cluster, wanted or FEWEST, less), shows_value=bool(wanted))
    yield from _limits(cluster)


def _cause(cluster: Cluster) -> Loc:
    """The place of a node's memory or, where the spec does not have it, of the first service with a stick-table."""
    if "libvirt" in cluster.model_fields_set:
        return ("libvirt", "memory_mib")
    return next(loc for loc, service in cluster.placed_services() if any(each.has_table for each in backends(service)))


def _limits(cluster: Cluster) -> Iterator[Problem]:
    """Limits of services that are never reached, because HAProxy accepts fewer connections altogether."""
    most = max_connections(cluster)
    for index, service in enumerate(cluster.services):
        for key, limit in (("connections", service.limits.connections), ("per_server", service.limits.per_server)):
            if limit and limit > most:
                loc: Loc = ("services", index, "limits", key)
                reason = f"{named(loc)} is never reached: HAProxy accepts {most} connections altogether"
                yield Problem(loc, reason, _remedy(cluster, limit, most))


def _remedy(cluster: Cluster, connections: int, less: int) -> str:
    """How to make room for that many connections, or how many to do with."""
    settings = []
    if cluster.haproxy.maxconn and cluster.haproxy.maxconn < connections:
        settings.append(f"haproxy: maxconn to {connections}")
    if room_for(cluster) < connections:
        settings.append(f"libvirt: memory_mib to {_memory_for(cluster, connections)}")
    more = f"raise {' and '.join(settings)}" if connections <= MAX_CONNECTIONS else ""
    return ", or ".join(filter(None, (f"set it to {less} or less" if less else "", more)))


def room_for(cluster: Cluster) -> int:
    """The connections that fit into a node's memory, in hundreds."""
    free = (cluster.libvirt.memory_mib - _fixed_mib(cluster)) * KIB_PER_MIB // _connection_kib(cluster)
    return min(max(free // STEP * STEP, 0), MAX_CONNECTIONS)


def _memory_for(cluster: Cluster, connections: int) -> int:
    """The memory in MiB that holds that many connections, in steps of 64."""
    needed = _fixed_mib(cluster) + (connections + STEP) * _connection_kib(cluster) / KIB_PER_MIB
    return ceil(needed / MEMORY_STEP_MIB) * MEMORY_STEP_MIB


def _fixed_mib(cluster: Cluster) -> int:
    """The memory that connections do not get: the system's, and that of full stick-tables."""
    tables = [each for service in cluster.expanded().services for each in backends(service) if each.has_table]
    return SYSTEM_MIB + len(tables) * TABLE_MIB


def _connection_kib(cluster: Cluster) -> int:
    """What one connection takes at most, with TLS if any service has it."""
    services = cluster.expanded().services
    client = CLIENT_TLS_KIB if any(service.mode == "https" for service in services) else 0
    server = SERVER_TLS_KIB if any(service.reencrypt for service in services) else 0
    return PLAIN_KIB + KERNEL_KIB + client + server
