"""The same nodes for people who create them by hand: domain XML, or shell commands. No seed is shown."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from builder import paths
from builder.errors import UserError
from builder.identity.seed import seed
from builder.identity.transports import iso
from builder.lab.network import mac
from builder.ship import image_reuse
from builder.ship.baked_image import baked_image
from builder.ship.libvirt import LibvirtOptions
from builder.ship.libvirt.node import DesiredDomain, assign_hosts
from builder.ship.libvirt.place import place
from builder.ship.steps import Choice
from builder.spec.model import Cluster


def printout(
    form: Literal["xml", "commands"],
    cluster: Cluster,
    spec: Path,
    options: LibvirtOptions,
    *,
    choice: Choice,
    image: Path | None,
) -> str:
    """The domains one after the other, or the commands that create them; no host is asked."""
    domains = _domains(cluster, options, choice, image)
    if form == "xml":
        return "".join(each.signed() for each in domains)
    return _commands(domains, spec)


def _commands(domains: list[DesiredDomain], spec: Path) -> str:
    """What a deployment does, with virsh and virt-install."""
    images = {each.uri: each for each in domains}.values()
    lines = [("vipforge", "seed", spec), *(line for each in images for line in _image(each))]
    lines += [line for each in domains for line in _node(each)]
    return "".join(f"{shlex.join(map(str, line))}\n" for line in lines)


def _domains(cluster: Cluster, options: LibvirtOptions, choice: Choice, image: Path | None) -> list[DesiredDomain]:
    found, where, nodes = baked_image(cluster, image), place(cluster, options), choice.nodes(cluster)
    if image_reuse.files(cluster, found):
        raise UserError(f"{found.path} is another cluster's image", hint="by hand, each cluster needs its own")
    kind = "kvm" if where.virtualization == "auto" else where.virtualization
    return [
        DesiredDomain(cluster, node, uri, kind, found, seed(cluster, node, found.facts), where)
        for node, uri in assign_hosts(cluster, where)
        if node in nodes
    ]


def _image(each: DesiredDomain) -> Iterator[tuple[str | Path, ...]]:
    yield from _upload(each, each.base, "qcow2", str(each.image.virtual_size), each.image.path)


def _node(each: DesiredDomain) -> Iterator[tuple[str | Path, ...]]:
    file = paths.build(each.cluster.cluster, "seeds", f"{each.node.name}.iso")
    yield _disk(each)
    yield from _upload(each, each.cd, "raw", str(len(iso.image(each.seed))), file)
    pool, where = each.place.pool, each.place
    network = f"bridge={where.bridge}" if where.bridge else f"network={where.network}"
    yield (
        "virt-install", "--connect", each.uri, "--name", each.name, "--virt-type", each.kind, "--machine", "pc",
        "--memory", str(where.memory), "--vcpus", str(where.cpus), "--osinfo", "detect=on,require=off", "--import",
        "--disk", f"vol={pool}/{each.disk},bus=virtio", "--disk", f"vol={pool}/{each.cd},device=cdrom,bus=ide",
        "--network", f"{network},model=virtio,mac={mac(each.cluster, each.node)}", "--rng", "/dev/urandom",
        "--graphics", "none", "--noautoconsole", "--autostart",
    )  # fmt: skip


def _disk(each: DesiredDomain) -> tuple[str, ...]:
    if each.place.disks == "copy":
        return ("virsh", "--connect", each.uri, "vol-clone", "--pool", each.place.pool, each.base, each.disk)
    backing = ("--backing-vol", each.base, "--backing-vol-format", "qcow2")
    return (*_create(each, each.disk, "qcow2", str(each.image.virtual_size)), *backing)


def _upload(each: DesiredDomain, volume: str, form: str, size: str, file: Path) -> Iterator[tuple[str | Path, ...]]:
    yield _create(each, volume, form, size)
    yield ("virsh", "--connect", each.uri, "vol-upload", "--pool", each.place.pool, volume, file)


def _create(each: DesiredDomain, volume: str, form: str, size: str) -> tuple[str, ...]:
    """A new volume can be read by its owner alone: libvirt's default, mode 0600."""
    return ("virsh", "--connect", each.uri, "vol-create-as", each.place.pool, volume, size, "--format", form)
