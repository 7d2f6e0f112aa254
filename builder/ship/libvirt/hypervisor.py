"""libvirt's hosts as one hypervisor."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from builder.ship.baked_image import baked_image
from builder.ship.hypervisor import Hypervisor
from builder.ship.libvirt import LibvirtOptions, deploy, destroy
from builder.ship.libvirt.host import Hosts
from builder.ship.libvirt.node import PlacedDomain, placed_domains
from builder.ship.libvirt.place import place
from builder.ship.libvirt.print_commands import printout
from builder.ship.libvirt.upgrade import LibvirtMachines
from builder.ship.steps import EVERY_NODE, Choice, Step
from builder.spec.model import Cluster, Node


class LibvirtHypervisor(Hypervisor):
    """The hosts that the spec or the options name; each is connected when it is first needed."""

    def __init__(self, options: LibvirtOptions, stack: ExitStack) -> None:
        self._options = options
        self._hosts = Hosts(stack)

    def deployment(
        self, clusters: Sequence[Cluster], choice: Choice = EVERY_NODE, image: Path | None = None
    ) -> list[Step]:
        """Images, once per host, then node by node; raises UserError at a domain of a node's name that differs."""
        domains = [each for cluster in clusters for each in self._domains(cluster, choice.nodes(cluster), image)]
        nodes = (step for each in domains for step in deploy.node(each, replace=choice.replace))
        return [*deploy.images(domains), *nodes]

    def machines(self, cluster: Cluster, image: Path | None = None) -> LibvirtMachines:
        """The nodes' domains."""
        return LibvirtMachines(self._domains(cluster, cluster.nodes, image))

    def removal(self, cluster: Cluster) -> list[Step]:
        """Host by host."""
        where = place(cluster, self._options)
        hosts = [self._hosts.host(uri, where.pool) for uri in dict.fromkeys(where.uris)]
        return [step for host in hosts for step in destroy.removal(cluster, host)]

    def printout(self, cluster: Cluster, spec: Path, choice: Choice = EVERY_NODE, image: Path | None = None) -> str:
        """What `--print` asks for; no host is connected."""
        if self._options.print is None:
            return ""
        return printout(self._options.print, cluster, spec, self._options, choice=choice, image=image)

    def _domains(self, cluster: Cluster, nodes: Sequence[Node], image: Path | None) -> list[PlacedDomain]:
        return placed_domains(cluster, place(cluster, self._options), self._hosts, baked_image(cluster, image), nodes)


HYPERVISOR = LibvirtHypervisor
