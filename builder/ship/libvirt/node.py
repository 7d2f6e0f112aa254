"""What one node is on libvirt: a domain, a disk and a seed; their names, and how each is created."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

from builder.identity.seed import Seed, seed
from builder.identity.transports import iso
from builder.ship import image_reuse
from builder.ship.baked_image import BakedImage
from builder.ship.libvirt import domain
from builder.ship.libvirt.domain import Shape
from builder.ship.libvirt.host import Host, Hosts
from builder.ship.libvirt.place import Place
from builder.ship.libvirt.pool import image_volume
from builder.ship.machine import machine_name
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
        return domain.signed(self.xml(), self.cluster)

    def is_same(self, note: dict[str, str] | None) -> bool:
        """Whether a note is that of just this domain."""
        return note is not None and note.get("digest") == domain.digest(self.xml())

    def _xml(self, disk: str) -> str:
        place = self.place
        shape = Shape(place.pool, disk, self.cd, place.network, place.bridge, self.kind, place.memory, place.cpus)
        return domain.domain(self.cluster, self.node, shape)


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
        content = iso.image(self.seed)
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
    made = seed(cluster, node, image.facts, public=image_reuse.files(cluster, image))
    return PlacedDomain(cluster, node, host.uri, kind, image, made, place, host)
