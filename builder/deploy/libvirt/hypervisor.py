"""libvirt as a hypervisor: deploy, upgrade and destroy nodes as domains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from builder.core.progress import Step
from builder.deploy.hypervisor import EVERY_NODE, Choice, Hypervisor
from builder.deploy.libvirt import LibvirtOptions, deploy
from builder.deploy.libvirt.host import Hosts, place
from builder.deploy.libvirt.node import PlacedDomain, placed_domains, printout
from builder.deploy.machine import baked_image
from builder.nodes.upgrade import Standing
from builder.spec.model import Cluster, Node


class LibvirtMachines:
    """The protocol `Machines` of builder/nodes/upgrade.py."""

    def __init__(self, domains: Sequence[PlacedDomain]) -> None:
        self._domains = {each.node: each for each in domains}

    def standing(self, node: Node) -> Standing:
        """A domain beside a kept one has to run to be current: the start may be what was cut off."""
        each = self._domains[node]
        kept, there = self._kept(each), self._same(each)
        return Standing(there and (not kept or each.host.domains.is_running(each.name)), kept)

    def prepare(self, nodes: Sequence[Node]) -> list[Step]:
        """Images and seeds."""
        each = [self._domains[node] for node in nodes]
        return [*deploy.images(each), *map(deploy.seed, each)]

    def replace(self, node: Node) -> list[Step]:
        """Each step is ready where an upgrade that was cut off had done it."""
        each = self._domains[node]
        return [*self._aside(each), *deploy.make(each, "same" if self._same(each) else "absent")]

    def restore(self, node: Node) -> list[Step]:
        """The kept domain as it was; without one, the domain that is there."""
        each = self._domains[node]
        return [*self._back(each), Step(f"{each.where}: running", False, lambda: each.host.domains.start(each.name))]

    def discard(self, node: Node) -> list[Step]:
        """The kept domain, the volumes that only it used, and its image if nothing uses that any more."""
        each = self._domains[node]
        ready = not self._kept(each)
        return [Step(f"{each.where}: the old domain {each.kept} removed", ready, lambda: _remove(each, each.kept))]

    def _aside(self, each: PlacedDomain) -> Iterator[Step]:
        domains = each.host.domains
        if domains.own(each.name, each.cluster.cluster) is None or self._same(each):
            return
        if self._kept(each):
            what = f"{each.where}: domain {each.name} removed, which was never healthy"
            yield Step(what, False, lambda: _remove(each, each.name, spared=each.base))
        else:
            what = f"{each.where}: domain {each.name} powered off and kept as {each.kept}"
            yield Step(what, False, lambda: domains.set_aside(each.name, each.kept))

    def _back(self, each: PlacedDomain) -> Iterator[Step]:
        domains = each.host.domains
        if not self._kept(each):
            return
        if domains.own(each.name, each.cluster.cluster) is not None:
            yield Step(f"{each.where}: the new domain removed", False, lambda: _remove(each, each.name))
        yield Step(f"{each.where}: {each.kept} back", False, lambda: domains.take_back(each.kept, each.name))

    def _kept(self, each: PlacedDomain) -> bool:
        return each.host.domains.own(each.kept, each.cluster.cluster) is not None

    def _same(self, each: PlacedDomain) -> bool:
        return each.is_same(each.host.domains.own(each.name, each.cluster.cluster))


def _remove(each: PlacedDomain, domain: str, spared: str = "") -> None:
    """A domain with the volumes that the node's other one does not use, and their image with its last volume.

    The image `spared` stays: it is about to be used.
    """
    domains, pool = each.host.domains, each.host.pool
    other = each.kept if domain == each.name else each.name
    volumes = domains.volumes(domain) - domains.volumes(other)
    bases = {base for volume, base in pool.images().items() if volume in volumes}
    domains.remove(domain)
    for volume in sorted(volumes):
        pool.remove(volume)
    for base in sorted(bases - set(pool.images().values()) - {spared}):
        pool.remove(base)


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
        return [step for host in hosts for step in deploy.removal(cluster, host)]

    def printout(self, cluster: Cluster, spec: Path, choice: Choice = EVERY_NODE, image: Path | None = None) -> str:
        """What `--print` asks for; no host is connected."""
        if self._options.print is None:
            return ""
        return printout(self._options.print, cluster, spec, self._options, choice=choice, image=image)

    def _domains(self, cluster: Cluster, nodes: Sequence[Node], image: Path | None) -> list[PlacedDomain]:
        return placed_domains(cluster, place(cluster, self._options), self._hosts, baked_image(cluster, image), nodes)


HYPERVISOR = LibvirtHypervisor
