"""Where a cluster's nodes go on libvirt's hosts: as the spec says, unless an option says otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from builder.ship.libvirt import LibvirtOptions
from builder.spec.model import Cluster

NETWORK = "default"


@dataclass(frozen=True)
class Place:
    """libvirt's addresses of the hosts, a storage pool there, a network or else a bridge; `memory` is in MiB.

    `disks` are `overlay` or `copy`.
    """

    uris: tuple[str, ...]
    pool: str
    network: str
    bridge: str
    virtualization: str
    memory: int
    cpus: int
    disks: str


NO_OPTIONS = LibvirtOptions()


def place(cluster: Cluster, asked: LibvirtOptions = NO_OPTIONS) -> Place:
    """The cluster's place; a network or a bridge that an option names replaces either of the spec's."""
    spec = cluster.libvirt
    bridge = asked.bridge or ("" if asked.network else spec.bridge or "")
    network = "" if bridge else asked.network or spec.network or NETWORK
    uris = tuple(asked.connect) or spec.hosts
    pool = asked.pool or spec.pool
    return Place(uris, pool, network, bridge, spec.virtualization, spec.memory_mib, spec.cpus, spec.disks)
