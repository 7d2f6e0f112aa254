"""libvirt as a hypervisor: deploying, upgrading and removing nodes as domains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from builder.core.progress import Step
from builder.deploy.hypervisor import EVERY_NODE, Choice, Hypervisor
from builder.deploy.libvirt import LibvirtOptions, deploy
from builder.deploy.libvirt.host import Hosts, placement
from builder.deploy.libvirt.node import PlacedDomain, placed_domains, printout
from builder.deploy.machine import baked_image
from builder.nodes.upgrade import Standing
from builder.spec.model import Cluster, Node


class LibvirtMachines:
    """The protocol `Machines` of builder/nodes/upgrade.py."""

    def __init__(self, domains: Sequence[PlacedDomain]) -> None:
        self._domains = {each.node: each for each in domains}

    def standing(self, node: Node) -> Standing:
        """A domain beside a kept one is current only if it runs; an upgrade may have stopped before the start."""
        each = self._domains[node]
        kept, there = self._kept(each), self._same(each)
        return Standing(there and (not kept or each.host.domains.is_running(each.name)), kept)

    def prepare(self, nodes: Sequence[Node]) -> list[Step]:
        """Upload images and seeds."""
        each = [self._domains[node] for node in nodes]
        return [*deploy.image_steps(each), *map(deploy.seed_step, each)]

    def replace(self, node: Node) -> list[Step]:
        """Set the old domain aside and create the new one; steps that an interrupted run has done are ready."""
        each = self._domains[node]
        return [*self._aside(each), *deploy.domain_steps(each, "same" if self._same(each) else "absent")]

    def restore(self, node: Node) -> list[Step]:
        """Bring the kept domain back; if none is kept, start the existing one."""
        each = self._domains[node]
        return [*self._back(each), Step(f"{each.where}: running", False, lambda: each.host.domains.start(each.name))]

    def discard(self, node: Node) -> list[Step]:
        """Remove the kept domain, the volumes that only it uses, and its image unless that is still used."""
        each = self._domains[node]
        ready = not self._kept(each)
        return [Step(f"{each.where}: the old domain {each.kept} removed", ready, lambda: _remove(each, each.kept))]

    def _aside(self, each: PlacedDomain) -> Iterator[Step]:
        domains = each.host.domains
        if domains.own_note(each.name, each.cluster.cluster) is None or self._same(each):
            return
        if self._kept(each):
            what = f"{each.where}: domain {each.name} removed: it never became healthy"
            yield Step(what, False, lambda: _remove(each, each.name, spared=each.base))
        else:
            what = f"{each.where}: domain {each.name} powered off and kept as {each.kept}"
            yield Step(what, False, lambda: domains.set_aside(each.name, each.kept))

    def _back(self, each: PlacedDomain) -> Iterator[Step]:
        domains = each.host.domains
        if not self._kept(each):
            return
        if domains.own_note(each.name, each.cluster.cluster) is not None:
            yield Step(f"{each.where}: the new domain removed", False, lambda: _remove(each, each.name))
        yield Step(f"{each.where}: {each.kept} restored", False, lambda: domains.take_back(each.kept, each.name))

    def _kept(self, each: PlacedDomain) -> bool:
        return each.host.domains.own_note(each.kept, each.cluster.cluster) is not None

    def _same(self, each: PlacedDomain) -> bool:
        return each.is_same(each.host.domains.own_note(each.name, each.cluster.cluster))


def _remove(each: PlacedDomain, domain: str, spared: str = "") -> None:
    """Remove a domain, its volumes unless the node's other domain uses them, and images that nothing uses any more.

    The image `spared` stays, because the new domain needs it.
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
    """The hosts that the spec or the options name."""

    def __init__(self, options: LibvirtOptions, stack: ExitStack) -> None:
        self._options = options
        self._hosts = Hosts(stack)

    def deployment(
        self, clusters: Sequence[Cluster], choice: Choice = EVERY_NODE, image: Path | None = None
    ) -> list[Step]:
        """Upload each image once per host, then deploy node by node; raises UserError if a domain must not change."""
        domains = [each for cluster in clusters for each in self._placed(cluster, choice.nodes(cluster), image)]
        nodes = (step for each in domains for step in deploy.node_steps(each, replace=choice.replace))
        return [*deploy.image_steps(domains), *nodes]

    def machines(self, cluster: Cluster, image: Path | None = None) -> LibvirtMachines:
        """Return the nodes' domains."""
        return LibvirtMachines(self._placed(cluster, cluster.nodes, image))

    def removal(self, cluster: Cluster) -> list[Step]:
        """Return the removal, host by host."""
        target = placement(cluster, self._options)
        hosts = [self._hosts.host(uri, target.pool) for uri in dict.fromkeys(target.uris)]
        return [step for host in hosts for step in deploy.removal(cluster, host)]

    def printout(self, cluster: Cluster, spec: Path, choice: Choice = EVERY_NODE, image: Path | None = None) -> str:
        """Return what `--print` asks for, without connecting to a host."""
        if self._options.print is None:
            return ""
        return printout(self._options.print, cluster, spec, self._options, choice=choice, image=image)

    def _placed(self, cluster: Cluster, nodes: Sequence[Node], image: Path | None) -> list[PlacedDomain]:
        return placed_domains(
            cluster, placement(cluster, self._options), self._hosts, baked_image(cluster, image), nodes
        )


HYPERVISOR = LibvirtHypervisor
