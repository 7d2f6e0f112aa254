"""One node as a machine of a vCenter: what it is called, what it is to hold, and whether a machine is that one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from builder.errors import UserError
from builder.identity.seed import Seed, seed
from builder.identity.transports import Transport, iso
from builder.ship import image_reuse
from builder.ship.baked_image import BakedImage
from builder.ship.machine import machine_name
from builder.ship.vsphere.session import Login
from builder.ship.vsphere.site import Found, Site
from builder.spec.model import Cluster, Node

CLUSTER_KEY, IMAGE_KEY, SEED_KEY = (f"guestinfo.vipforge.{name}" for name in ("cluster", "image", "seed"))
KEPT = "-replaced"
"""What the name of a node's former machine ends in, until the new one has proven itself."""


@dataclass(frozen=True)
class Destination:
    """Where the nodes go, who puts them there, and which transport carries their seeds."""

    site: Site
    who: Login
    transport: Transport = iso.TRANSPORT


@dataclass(frozen=True)
class DesiredMachine:
    """One node as the spec and the image want it: its machine's variables, and its seed's CD or vApp properties.

    `number` is its place among the cluster's nodes.
    """

    name: str
    number: int
    original: str
    variables: dict[str, str]
    seed: Seed
    cd: bytes = b""
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def kept(self) -> str:
        """The name of its former machine."""
        return f"{self.name}{KEPT}"

    @property
    def file(self) -> str:
        """The name of its seed's CD on the datastore; empty if it has none."""
        return seed_file(self.seed.instance_id) if self.cd else ""

    @property
    def cluster(self) -> str:
        """The cluster that it is a node of."""
        return self.variables[CLUSTER_KEY]


def desired_machine(cluster: Cluster, node: Node, image: BakedImage, transport: Transport) -> DesiredMachine:
    """The node's machine as this spec, this image and this transport want it."""
    made = seed(cluster, node, image.facts, public=image_reuse.files(cluster, image))
    name = machine_name(cluster, node)
    variables = {CLUSTER_KEY: cluster.cluster, IMAGE_KEY: image.label, SEED_KEY: made.instance_id}
    original, number = template_name(image.label), cluster.nodes.index(node)
    if transport.settings is None:
        return DesiredMachine(name, number, original, variables, made, transport.cd(made))
    settings = transport.settings(made)
    variables |= settings.variables
    return DesiredMachine(name, number, original, variables, made, properties=settings.properties)


def template_name(label: str) -> str:
    """An image's template: named by the image's digest, so that all clusters of one image share it."""
    return f"vipforge-image-{label}"


def seed_file(instance_id: str) -> str:
    """A seed's file on the datastore."""
    return f"{instance_id}.iso"


def owned(found: Found | None, cluster: str) -> Found | None:
    """The machine, or None where there is none; raises UserError where vipforge did not make it for this cluster."""
    if found is not None and found.variables.get(CLUSTER_KEY) != cluster:
        raise UserError(
            f"vCenter has a machine {found.name} that vipforge did not make for {cluster}",
            hint="rename it, or give the cluster another name",
        )
    return found


def is_same(each: DesiredMachine, found: Found | None) -> bool:
    """Whether the machine is as it should be; raises UserError where vipforge did not make it for this cluster."""
    ours = owned(found, each.cluster)
    return ours is not None and {key: ours.variables.get(key) for key in each.variables} == each.variables
