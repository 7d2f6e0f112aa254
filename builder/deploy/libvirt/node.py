"""A node as a domain, as it is wanted and as it is there; or as commands for people to run."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Literal

from builder.core import paths
from builder.core.errors import UserError
from builder.deploy import machine
from builder.deploy.hypervisor import Choice, machine_name
from builder.deploy.libvirt import LibvirtOptions, domains
from builder.deploy.libvirt.domains import Shape
from builder.deploy.libvirt.host import Host, Hosts, Place, place
from builder.deploy.libvirt.pool import image_volume
from builder.deploy.machine import BakedImage, baked_image, seeded_files
from builder.lab.network import mac
from builder.seed.seed import seed
from builder.seed.transports import Seed, nocloud
from builder.spec.model import Cluster, Node

KEPT = ".old"
"""What a domain's name gets when it is set aside; no node's short name has a dot."""
NAMED_BY = 8


@dataclass(frozen=True)
class DesiredDomain:
    """One node as the spec and the image want it, at its host's address; `kind` is `kvm` or `qemu`."""

    cluster: Cluster
    node: Node
    uri: str
    kind: str
    image: BakedImage
    seed: Seed
    place: Place

    @property
    def where(self) -> str:
        """The node, for people."""
        return f"{short(self.uri)}: {self.node.name}"

    @property
    def name(self) -> str:
        """The domain."""
        return machine_name(self.cluster, self.node)

    @property
    def kept(self) -> str:
        """The domain before it, while an upgrade keeps it."""
        return self.name + KEPT

    @property
    def base(self) -> str:
        """The image's volume."""
        return image_volume(self.image.label)

    @property
    def disk(self) -> str:
        """The disk's volume: its name changes with anything that makes another node."""
        made_of = self.image.label + self.place.disks + self._xml(disk="")
        return f"{self.name}-{self.image.label}-{hashlib.sha256(made_of.encode()).hexdigest()[:NAMED_BY]}.qcow2"

    @property
    def cd(self) -> str:
        """The seed's volume."""
        return f"{self.cluster.cluster}-{self.seed.instance_id}.iso"

    def xml(self) -> str:
        """The domain, without the note on it."""
        return self._xml(self.disk)

    def signed(self) -> str:
        """The domain with its note."""
        return domains.signed(self.xml(), self.cluster)

    def is_same(self, note: dict[str, str] | None) -> bool:
        """Whether a note is that of just this domain."""
        return note is not None and note.get("digest") == domains.digest(self.xml())

    def _xml(self, disk: str) -> str:
        place = self.place
        shape = Shape(place.pool, disk, self.cd, place.network, place.bridge, self.kind, place.memory, place.cpus)
        return domains.domain(self.cluster, self.node, shape)


def short(uri: str) -> str:
    """A host's address for people: without its parameters."""
    return uri.partition("?")[0]


def assign_hosts(cluster: Cluster, place: Place) -> Iterator[tuple[Node, str]]:
    """Each node with its host's address: the hosts take turns, in the order of the spec."""
    return zip(cluster.nodes, cycle(place.uris), strict=False)


@dataclass(frozen=True)
class PlacedDomain(DesiredDomain):
    """The same on a host that is connected."""

    host: Host

    def upload_image(self) -> None:
        """Put the image into the host's pool."""
        self.host.pool.upload(self.base, "qcow2", self.image.path, self.image.virtual_size)

    def upload_seed(self) -> None:
        """Put the seed into the host's pool."""
        content = nocloud.image(self.seed)
        self.host.pool.upload(self.cd, "raw", content, len(content))

    def make_disk(self) -> None:
        """Make the disk, as it was before the first boot."""
        make = self.host.pool.copy if self.place.disks == "copy" else self.host.pool.overlay
        make(self.disk, self.base, self.image.virtual_size)

    def define(self) -> None:
        """Define the domain with its note."""
        self.host.domains.define(self.signed())


def placed_domains(
    cluster: Cluster, place: Place, hosts: Hosts, image: BakedImage, nodes: Sequence[Node]
) -> list[PlacedDomain]:
    """These nodes' domains, each on its host; raises UserError if a host cannot be reached."""
    return [
        _placed(cluster, node, hosts.host(uri, place.pool), image, place)
        for node, uri in assign_hosts(cluster, place)
        if node in nodes
    ]


def _placed(cluster: Cluster, node: Node, host: Host, image: BakedImage, place: Place) -> PlacedDomain:
    kind = host.virtualization() if place.virtualization == "auto" else place.virtualization
    made = seed(cluster, node, image.facts, public=machine.seeded_files(cluster, image))
    return PlacedDomain(cluster, node, host.uri, kind, image, made, place, host)


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
    if seeded_files(cluster, found):
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
    file = paths.build_folder(each.cluster.cluster, "seeds", f"{each.node.name}.iso")
    yield _disk(each)
    yield from _upload(each, each.cd, "raw", str(len(nocloud.image(each.seed))), file)
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
