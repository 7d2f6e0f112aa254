"""A vCenter as a hypervisor."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from builder.identity.transports import find_transport
from builder.ship.hypervisor import Hypervisor
from builder.ship.steps import EVERY_NODE, Choice, Step
from builder.ship.vsphere import VsphereOptions
from builder.ship.vsphere.deploy import deployment
from builder.ship.vsphere.destroy import removal
from builder.ship.vsphere.node import Destination
from builder.ship.vsphere.session import connected, login
from builder.ship.vsphere.site import site
from builder.ship.vsphere.upgrade import VsphereMachines
from builder.spec.model import Cluster


class VsphereHypervisor(Hypervisor):
    """A session with the vCenter that the options name."""

    def __init__(self, options: VsphereOptions, stack: ExitStack) -> None:
        transport = find_transport(options.transport, "cd", "settings")
        who = login(options.server, options.user, insecure=options.insecure)
        service = stack.enter_context(connected(who))
        self._destination = Destination(site(service, options), who, transport)

    def deployment(
        self, clusters: Sequence[Cluster], choice: Choice = EVERY_NODE, image: Path | None = None
    ) -> list[Step]:
        """Templates, then cluster by cluster; raises UserError at a machine of a node's name that differs."""
        return deployment(clusters, self._destination, choice, image)

    def machines(self, cluster: Cluster, image: Path | None = None) -> VsphereMachines:
        """The nodes' machines."""
        return VsphereMachines(cluster, self._destination, image)

    def removal(self, cluster: Cluster) -> list[Step]:
        """Rule, machines, seeds and templates."""
        return removal(cluster, self._destination)


HYPERVISOR = VsphereHypervisor
