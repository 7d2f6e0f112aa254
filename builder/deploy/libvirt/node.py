"""A node's domain as the spec and the image require it, and the commands that create it by hand."""

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
from builder.deploy.libvirt.domains import Link, Shape
from builder.deploy.libvirt.host import Host, Hosts, Placement, placement
from builder.deploy.libvirt.pool import image_volume
from builder.deploy.machine import BakedImage, baked_image, seeded_files
from builder.lab.network import macs
from builder.seed.seed import seed
from builder.seed.transports import Seed, nocloud
from builder.spec.model import Cluster, Node

KEPT = ".old"
"""The suffix of a domain that is set aside; no node's short name contains a dot."""
DIGEST_LENGTH = 8
"""How many digits of its digest name a disk."""


@dataclass(frozen=True)
class DesiredDomain:
    """One node's domain on the host `uri`; `virtualization` is `kvm` or `qemu`."""

    cluster: Cluster
    node: Node
    uri: str
    virtualization: str
    image: BakedImage
    seed: Seed
    place: Placement

    @property
    def where(self) -> str:
        """The host and the node, for messages."""
        return f"{display_uri(self.uri)}: {self.node.name}"

    @property
    def name(self) -> str:
        """The domain's name."""
        return machine_name(self.cluster, self.node)

    @property
    def kept(self) -> str:
        """The name of the former domain while an upgrade keeps it."""
        return self.name + KEPT

    @property
    def base(self) -> str:
        """The name of the image's volume."""
        return image_volume(self.image.label)

    @property
    def disk(self) -> str:
        """The name of the disk's volume, which changes whenever the node does."""
        ingredients = self.image.label + self.place.disks + self._xml(disk="")
        return (
            f"{self.name}-{self.image.label}-{hashlib.sha256(ingredients.encode()).hexdigest()[:DIGEST_LENGTH]}.qcow2"
        )

    @property
    def cd(self) -> str:
        """The name of the seed's volume."""
        return f"{self.cluster.cluster}-{self.seed.instance_id}.iso"

    def xml(self) -> str:
        """Return the domain's XML without the note."""
        return self._xml(self.disk)

    def xml_with_note(self) -> str:
        """Return the domain's XML with the note."""
        return domains.with_note(self.xml(), self.cluster)

    def is_same(self, note: dict[str, str] | None) -> bool:
        """Return whether the note belongs to exactly this domain."""
        return note is not None and note.get("digest") == domains.digest(self.xml())

    def _xml(self, disk: str) -> str:
        place = self.place
        management = management_link(self.cluster, place)
        shape = Shape(place.pool, disk, self.cd, place.link, self.virtualization, management, place.memory, place.cpus)
        return domains.domain(self.cluster, self.node, shape)


def management_link(cluster: Cluster, place: Placement) -> Link | None:
    """Return what connects the management cards, None without any; raises UserError if nothing says it."""
    if cluster.management is None:
        return None
    if place.management is None:
        raise UserError(
            f"the nodes of {cluster.cluster} have management cards, and nothing says what connects them",
            hint="set libvirt.management_network or libvirt.management_bridge, or give the option of that name",
        )
    return place.management


def display_uri(uri: str) -> str:
    """Return a host's URI without its parameters, for messages."""
    return uri.partition("?")[0]


def assign_hosts(cluster: Cluster, place: Placement) -> Iterator[tuple[Node, str]]:
    """Pair each node with a host's URI; the hosts take turns in the spec's order."""
    return zip(cluster.nodes, cycle(place.uris), strict=False)


@dataclass(frozen=True)
class PlacedDomain(DesiredDomain):
    """A desired domain on a connected host."""

    host: Host

    def upload_image(self) -> None:
        """Upload the image to the host's pool."""
        self.host.pool.upload(self.base, "qcow2", self.image.path, self.image.virtual_size)

    def upload_seed(self) -> None:
        """Upload the seed to the host's pool."""
        content = nocloud.image(self.seed)
        self.host.pool.upload(self.cd, "raw", content, len(content))

    def make_disk(self) -> None:
        """Create the disk, replacing one that exists."""
        make = self.host.pool.copy if self.place.disks == "copy" else self.host.pool.overlay
        make(self.disk, self.base, self.image.virtual_size)

    def define(self) -> None:
        """Define the domain, with its note."""
        self.host.domains.define(self.xml_with_note())


def placed_domains(
    cluster: Cluster, place: Placement, hosts: Hosts, image: BakedImage, nodes: Sequence[Node]
) -> list[PlacedDomain]:
    """Return the domains of these nodes, each on its host; raises UserError if a host cannot be reached."""
    return [
        _placed(cluster, node, hosts.host(uri, place.pool), image, place)
        for node, uri in assign_hosts(cluster, place)
        if node in nodes
    ]


def _placed(cluster: Cluster, node: Node, host: Host, image: BakedImage, place: Placement) -> PlacedDomain:
    virtualization = host.virtualization() if place.virtualization == "auto" else place.virtualization
    public = machine.seeded_files(cluster, image)
    node_seed = seed(cluster, node, image.facts, public=public, known=macs(cluster, node))
    return PlacedDomain(cluster, node, host.uri, virtualization, image, node_seed, place, host)


def printout(
    form: Literal["xml", "commands"],
    cluster: Cluster,
    spec: Path,
    options: LibvirtOptions,
    *,
    choice: Choice,
    image: Path | None,
) -> str:
    """Return the domains' XML, or the commands that create them; no host is contacted."""
    domains = _domains(cluster, options, choice, image)
    if form == "xml":
        return "".join(each.xml_with_note() for each in domains)
    return _commands(domains, spec)


def _commands(domains: list[DesiredDomain], spec: Path) -> str:
    """Return the commands of virsh and virt-install that do the same as a deployment."""
    images = {each.uri: each for each in domains}.values()
    lines = [
        ("vipforge", "seed", spec, "--for", "libvirt"),
        *(line for each in images for line in _image_commands(each)),
    ]
    lines += [line for each in domains for line in _node_commands(each)]
    return "".join(f"{shlex.join(map(str, line))}\n" for line in lines)


def _domains(cluster: Cluster, options: LibvirtOptions, choice: Choice, image: Path | None) -> list[DesiredDomain]:
    baked, target, nodes = baked_image(cluster, image), placement(cluster, options), choice.nodes(cluster)
    if seeded_files(cluster, baked):
        raise UserError(
            f"{baked.path} was baked for another cluster",
            hint="printed commands cannot adapt an image: bake one for this cluster",
        )
    virtualization = "kvm" if target.virtualization == "auto" else target.virtualization
    return [
        DesiredDomain(
            cluster,
            node,
            uri,
            virtualization,
            baked,
            seed(cluster, node, baked.facts, known=macs(cluster, node)),
            target,
        )
        for node, uri in assign_hosts(cluster, target)
        if node in nodes
    ]


def _image_commands(domain: DesiredDomain) -> Iterator[tuple[str | Path, ...]]:
    yield from _upload(domain, domain.base, "qcow2", str(domain.image.virtual_size), domain.image.path)


def _node_commands(domain: DesiredDomain) -> Iterator[tuple[str | Path, ...]]:
    file = paths.build_folder(domain.cluster.cluster, "seeds", f"{domain.node.name}.iso")
    yield _disk(domain)
    yield from _upload(domain, domain.cd, "raw", str(len(nocloud.image(domain.seed))), file)
    place, pool = domain.place, domain.place.pool
    known, links = macs(domain.cluster, domain.node), (place.link, management_link(domain.cluster, place))
    cards = [
        word
        for link, mac in zip(links, (known.primary, known.management), strict=True)
        if link
        for word in ("--network", f"{link.kind}={link.name},model=virtio,mac={mac}")
    ]
    yield (
        "virt-install", "--connect", domain.uri, "--name", domain.name, "--virt-type", domain.virtualization,
        "--machine", "pc", "--memory", str(place.memory), "--vcpus", str(place.cpus),
        "--osinfo", "detect=on,require=off", "--import",
        "--disk", f"vol={pool}/{domain.disk},bus=virtio", "--disk", f"vol={pool}/{domain.cd},device=cdrom,bus=ide",
        *cards, "--rng", "/dev/urandom",
        "--graphics", "none", "--noautoconsole", "--autostart",
    )  # fmt: skip


def _disk(domain: DesiredDomain) -> tuple[str, ...]:
    if domain.place.disks == "copy":
        return ("virsh", "--connect", domain.uri, "vol-clone", "--pool", domain.place.pool, domain.base, domain.disk)
    backing = ("--backing-vol", domain.base, "--backing-vol-format", "qcow2")
    return (*_create(domain, domain.disk, "qcow2", str(domain.image.virtual_size)), *backing)


def _upload(
    domain: DesiredDomain, volume: str, volume_format: str, size: str, file: Path
) -> Iterator[tuple[str | Path, ...]]:
    yield _create(domain, volume, volume_format, size)
    yield ("virsh", "--connect", domain.uri, "vol-upload", "--pool", domain.place.pool, volume, file)


def _create(domain: DesiredDomain, volume: str, volume_format: str, size: str) -> tuple[str, ...]:
    """Create a volume that only its owner can read: libvirt's default, mode 0600."""
    return (
        "virsh",
        "--connect",
        domain.uri,
        "vol-create-as",
        domain.place.pool,
        volume,
        size,
        "--format",
        volume_format,
    )
