"""What one node is on libvirt: a domain, a disk that holds what differs from the image, and a seed; names and XML."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

from builder.identity.seed import Seed
from builder.ship.kvm import domain, images
from builder.ship.kvm.domain import Shape
from builder.ship.kvm.place import Place
from builder.ship.machine import machine_name
from builder.ship.source import Source
from builder.spec.model import Cluster, Node

KEPT = ".old"
"""What a domain's name gets when it is set aside; no node's short name has a dot."""
NAMED_BY = 8


@dataclass(frozen=True)
class Machine:
    """One node at its host's address; `kind` is `kvm` or `qemu`."""

    cluster: Cluster
    node: Node
    uri: str
    kind: str
    image: Source
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
        return images.volume(self.image.label)

    @property
    def disk(self) -> str:
        """The disk's volume: another one for anything that makes another node."""
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


def dealt(cluster: Cluster, place: Place) -> Iterator[tuple[Node, str]]:
    """Each node with its host's address: dealt out in the order of the spec."""
    return zip(cluster.nodes, cycle(place.uris), strict=False)
