"""Deploying to libvirt, and removing what was deployed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Literal

from builder.core import paths
from builder.core.files import locked
from builder.core.progress import Step
from builder.deploy.hypervisor import machine_name, refuse_other
from builder.deploy.libvirt.host import Host
from builder.deploy.libvirt.node import PlacedDomain, short
from builder.spec.model import Cluster

State = Literal["absent", "same", "other"]
LOCK_SECONDS = 30 * 60


def images(nodes: Sequence[PlacedDomain]) -> Iterator[Step]:
    """Each image, once per host."""
    for each in {(each.host.uri, each.base): each for each in nodes}.values():
        yield Step(f"{short(each.uri)}: image {each.base}", _has_image(each), partial(_upload_once, each))


def node(each: PlacedDomain, *, replace: bool) -> Iterator[Step]:
    """Everything of one node; raises UserError at a domain of its name that must not be changed."""
    state = _state(each, replace=replace)
    if state == "other":
        yield Step(f"{each.where}: the old domain {each.name} removed", ready=False, make=lambda: _remove(each))
    yield seed(each)
    yield from make(each, state)


def make(each: PlacedDomain, state: State) -> Iterator[Step]:
    """Disk and domain, from image and seed; in the state `same` both are as they should be."""
    same = state == "same"
    yield Step(f"{each.where}: disk {each.disk}", same, each.make_disk)
    yield Step(f"{each.where}: domain {each.name} ({each.kind})", same, each.define)
    running = same and each.host.domains.is_running(each.name)
    yield Step(f"{each.where}: running", running, lambda: each.host.domains.start(each.name))


def seed(each: PlacedDomain) -> Step:
    """The node's seed."""
    return Step(f"{each.where}: seed {each.cd}", each.host.pool.size(each.cd) is not None, each.upload_seed)


def _has_image(each: PlacedDomain) -> bool:
    # A half upload of a killed run is smaller than the image.
    return each.host.pool.size(each.base) == each.image.size


def _upload_once(each: PlacedDomain) -> None:
    """Another deployment from this host may be uploading it, for another cluster of the same image."""
    with locked(paths.state("images", f"{each.base}.lock"), f"image {each.base}", timeout=LOCK_SECONDS):
        if not _has_image(each):
            each.upload_image()


def _remove(each: PlacedDomain) -> None:
    """With its disk: none of it could be used again."""
    volumes = each.host.domains.volumes(each.name) - {each.cd}
    each.host.domains.remove(each.name)
    for volume in sorted(volumes):
        each.host.pool.remove(volume)


def _state(each: PlacedDomain, *, replace: bool) -> State:
    """How the node's domain differs; raises UserError at one that must not be changed."""
    note = each.host.domains.own(each.name, each.cluster.cluster)
    if note is None:
        return "absent"
    if each.is_same(note):
        return "same"
    return "other" if replace else refuse_other(f"{short(each.uri)}: domain {each.name}")


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
