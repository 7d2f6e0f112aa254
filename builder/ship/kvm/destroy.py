"""`vipforge destroy libvirt`: what a deployment or an upgrade made for a cluster goes, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from builder.ship.kvm import images
from builder.ship.kvm.host import Host, Hosts
from builder.ship.kvm.machine import short
from builder.ship.kvm.place import Options, place
from builder.ship.machine import machine_name
from builder.ship.steps import Step
from builder.spec.model import Cluster

HEX = "[0-9a-f]"


def steps(cluster: Cluster, asked: Options, stack: ExitStack) -> list[Step]:
    """The domains that bear the cluster's note, their volumes, and the images that nothing uses any more.

    A volume that a domain of somebody else uses stays, whatever its name. The connections stay open until the end of
    `stack`; raises UserError where a host cannot be reached.
    """
    where, hosts = place(cluster, asked), Hosts(stack)
    return [step for uri in dict.fromkeys(where.uris) for step in _of_host(cluster, hosts.host(uri, where.pool))]


def _of_host(cluster: Cluster, host: Host) -> list[Step]:
    domains = host.domains.of_cluster(cluster.cluster)
    volumes = _volumes(cluster, host, domains)
    bases = images.of_volumes(host.pool)
    used = {base for volume, base in bases.items() if volume not in volumes}
    unused = {base for volume, base in bases.items() if volume in volumes} - used - volumes
    return [
        *(_gone(host, f"domain {name}", partial(host.domains.remove, name)) for name in domains),
        *(_gone(host, f"volume {name}", partial(host.pool.remove, name)) for name in sorted(volumes)),
        *(_gone(host, f"image {name}", partial(host.pool.remove, name)) for name in sorted(unused)),
    ]


def _gone(host: Host, what: str, remove: Callable[[], None]) -> Step:
    return Step(f"{short(host.uri)}: {what} removed", ready=False, make=remove)


def _volumes(cluster: Cluster, host: Host, domains: list[str]) -> set[str]:
    """What the domains use, and what runs that failed half-way left under the nodes' names."""
    there = set(host.pool.names())
    used = {volume for name in domains for volume in host.domains.volumes(name)}
    left = {name for name in there if any(pattern.fullmatch(name) for pattern in _patterns(cluster))}
    others = {volume for name in host.domains.names() if name not in domains for volume in host.domains.volumes(name)}
    return ((used | left) & there) - others


def _patterns(cluster: Cluster) -> list[re.Pattern[str]]:
    names = [machine_name(cluster, node) for node in cluster.nodes]
    disks = [re.compile(rf"{re.escape(name)}-{HEX}{{12}}-{HEX}{{8}}\.qcow2") for name in names]
    return [*disks, *(re.compile(rf"{re.escape(name)}-{HEX}{{16}}\.iso") for name in names)]
