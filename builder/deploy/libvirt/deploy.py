"""The steps that deploy nodes to libvirt, and those that remove a cluster."""

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
from builder.deploy.libvirt.node import PlacedDomain, display_uri
from builder.spec.model import Cluster

State = Literal["absent", "same", "other"]
LOCK_SECONDS = 30 * 60
HEX = "[0-9a-f]"


def image_steps(domains: Sequence[PlacedDomain]) -> Iterator[Step]:
    """Yield the upload of each image, once per host."""
    for each in {(each.host.uri, each.base): each for each in domains}.values():
        yield Step(f"{display_uri(each.uri)}: image {each.base}", _has_image(each), partial(_upload_once, each))


def node_steps(domain: PlacedDomain, *, replace: bool) -> Iterator[Step]:
    """Yield all steps of one node; raises UserError if its domain exists and must not be changed."""
    state = _state(domain, replace=replace)
    if state == "other":
        yield Step(f"{domain.where}: the old domain {domain.name} removed", ready=False, make=lambda: _remove(domain))
    yield seed_step(domain)
    yield from domain_steps(domain, state)


def domain_steps(domain: PlacedDomain, state: State) -> Iterator[Step]:
    """Yield the steps for disk and domain, which are done in the state `same`, and for the start."""
    same = state == "same"
    yield Step(f"{domain.where}: disk {domain.disk}", same, domain.make_disk)
    yield Step(f"{domain.where}: domain {domain.name} ({domain.virtualization})", same, domain.define)
    running = same and domain.host.domains.is_running(domain.name)
    yield Step(f"{domain.where}: running", running, lambda: domain.host.domains.start(domain.name))


def seed_step(domain: PlacedDomain) -> Step:
    """Return the upload of the node's seed."""
    return Step(f"{domain.where}: seed {domain.cd}", domain.host.pool.size(domain.cd) is not None, domain.upload_seed)


def _has_image(domain: PlacedDomain) -> bool:
    # An upload that was killed half-way is smaller than the image.
    return domain.host.pool.size(domain.base) == domain.image.size


def _upload_once(domain: PlacedDomain) -> None:
    """Upload the image, unless a concurrent deployment of another cluster that shares it has just done so."""
    with locked(paths.state("images", f"{domain.base}.lock"), f"image {domain.base}", timeout=LOCK_SECONDS):
        if not _has_image(domain):
            domain.upload_image()


def _remove(domain: PlacedDomain) -> None:
    """Remove the domain and its volumes, except the seed that the new domain uses."""
    volumes = domain.host.domains.volumes(domain.name) - {domain.cd}
    domain.host.domains.remove(domain.name)
    for volume in sorted(volumes):
        domain.host.pool.remove(volume)


def _state(domain: PlacedDomain, *, replace: bool) -> State:
    """Return how the node's domain compares with the spec; raises UserError if it differs and must not be changed."""
    note = domain.host.domains.own_note(domain.name, domain.cluster.cluster)
    if note is None:
        return "absent"
    if domain.is_same(note):
        return "same"
    return "other" if replace else refuse_other(f"{display_uri(domain.uri)}: domain {domain.name}")


def removal(cluster: Cluster, host: Host) -> list[Step]:
    """Return the steps that remove the cluster's domains, their volumes, and the images that nothing else uses.

    A volume that a foreign domain uses stays, whatever its name.
    """
    domains = host.domains.of_cluster(cluster.cluster)
    volumes = _volumes(cluster, host, domains)
    images = host.pool.images()
    used = {image for volume, image in images.items() if volume not in volumes}
    unused = {image for volume, image in images.items() if volume in volumes} - used - volumes
    return [
        *(_removal_step(host, f"domain {name}", partial(host.domains.remove, name)) for name in domains),
        *(_removal_step(host, f"volume {name}", partial(host.pool.remove, name)) for name in sorted(volumes)),
        *(_removal_step(host, f"image {name}", partial(host.pool.remove, name)) for name in sorted(unused)),
    ]


def _removal_step(host: Host, what: str, remove: Callable[[], None]) -> Step:
    return Step(f"{display_uri(host.uri)}: {what} removed", ready=False, make=remove)


def _volumes(cluster: Cluster, host: Host, domains: list[str]) -> set[str]:
    """Return the volumes that the domains use, and those that failed runs left under the nodes' names."""
    existing = set(host.pool.names())
    used = {volume for name in domains for volume in host.domains.volumes(name)}
    leftover = {name for name in existing if any(pattern.fullmatch(name) for pattern in _patterns(cluster))}
    foreign = {volume for name in host.domains.names() if name not in domains for volume in host.domains.volumes(name)}
    return ((used | leftover) & existing) - foreign


def _patterns(cluster: Cluster) -> list[re.Pattern[str]]:
    names = [machine_name(cluster, node) for node in cluster.nodes]
    disks = [re.compile(rf"{re.escape(name)}-{HEX}{{12}}-{HEX}{{8}}\.qcow2") for name in names]
    return [*disks, *(re.compile(rf"{re.escape(name)}-{HEX}{{16}}\.iso") for name in names)]
