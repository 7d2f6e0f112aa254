"""A node on its host, as it shall be there: what a deployment and an upgrade make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from builder.identity import nocloud
from builder.identity.seed import seed
from builder.ship import fit
from builder.ship.kvm.host import Host, Hosts
from builder.ship.kvm.machine import Machine, dealt
from builder.ship.kvm.place import Place
from builder.ship.source import Source
from builder.spec.model import Cluster, Node


@dataclass(frozen=True)
class Wanted(Machine):
    """A node's machine on a host that is connected."""

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


def wanted(cluster: Cluster, place: Place, hosts: Hosts, image: Source, nodes: Sequence[Node]) -> list[Wanted]:
    """Those nodes, on the hosts that they are dealt out to; raises UserError where a host cannot be reached."""
    return [
        _wanted(cluster, node, hosts.host(uri, place.pool), image, place)
        for node, uri in dealt(cluster, place)
        if node in nodes
    ]


def _wanted(cluster: Cluster, node: Node, host: Host, image: Source, place: Place) -> Wanted:
    kind = host.virtualization() if place.virtualization == "auto" else place.virtualization
    made = seed(cluster, node, image.facts, public=fit.files(cluster, image))
    return Wanted(cluster, node, host.uri, kind, image, made, place, host)
