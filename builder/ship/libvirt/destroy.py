"""The steps of `vipforge destroy libvirt`: what a deployment or an upgrade created for a cluster, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from builder.ship.libvirt.host import Host
from builder.ship.libvirt.node import short
from builder.ship.machine import machine_name
from builder.ship.steps import Step
from builder.spec.model import Cluster

HEX = "[0-9a-f]"


def removal(cluster: Cluster, host: Host) -> list[Step]:
    """The domains that carry the cluster's note, their volumes, and the images that nothing uses any more.

    A volume that somebody else's domain uses stays, whatever its name.
    """
    domains = host.domains.of_cluster(cluster.cluster)
    volumes = _volumes(cluster, host, domains)
    images = host.pool.images()
    used = {image for volume, image in images.items() if volume not in volumes}
    unused = {image for volume, image in images.items() if volume in volumes} - used - volumes
    return [
        *(_gone(host, f"domain {name}", partial(host.domains.remove, name)) for name in domains),
        *(_gone(host, f"volume {name}", partial(host.pool.remove, name)) for name in sorted(volumes)),
        *(_gone(host, f"image {name}", partial(host.pool.remove, name)) for name in sorted(unused)),
    ]


def _gone(host: Host, what: str, remove: Callable[[], None]) -> Step:
    return Step(f"{short(host.uri)}: {what} removed", ready=False, make=remove)


def _volumes(cluster: Cluster, host: Host, domains: list[str]) -> set[str]:
    """What the domains use, and what failed runs left under the nodes' names."""
    there = set(host.pool.names())
    used = {volume for name in domains for volume in host.domains.volumes(name)}
    left = {name for name in there if any(pattern.fullmatch(name) for pattern in _patterns(cluster))}
    others = {volume for name in host.domains.names() if name not in domains for volume in host.domains.volumes(name)}
    return ((used | left) & there) - others


def _patterns(cluster: Cluster) -> list[re.Pattern[str]]:
    names = [machine_name(cluster, node) for node in cluster.nodes]
    disks = [re.compile(rf"{re.escape(name)}-{HEX}{{12}}-{HEX}{{8}}\.qcow2") for name in names]
    return [*disks, *(re.compile(rf"{re.escape(name)}-{HEX}{{16}}\.iso") for name in names)]
