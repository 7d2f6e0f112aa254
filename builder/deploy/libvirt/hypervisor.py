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
        domain = self._domains[node]
        kept, same = self._kept(domain), self._same(domain)
        return Standing(same and (not kept or domain.host.domains.is_running(domain.name)), kept)

    def prepare(self, nodes: Sequence[Node]) -> list[Step]:
        """Return the uploads of images and seeds."""
        domains = [self._domains[node] for node in nodes]
        return [*deploy.image_steps(domains), *map(deploy.seed_step, domains)]

    def replace(self, node: Node) -> list[Step]:
        """Return the steps that set the old domain aside and create the new one; those already done are ready."""
        domain = self._domains[node]
        return [*self._set_aside(domain), *deploy.domain_steps(domain, "same" if self._same(domain) else "absent")]

    def restore(self, node: Node) -> list[Step]:
        """Return the steps that bring the kept domain back or, if none is kept, start the existing one."""
        domain = self._domains[node]
        return [
            *self._take_back(domain),
            Step(f"{domain.where}: running", False, lambda: domain.host.domains.start(domain.name)),
        ]

    def discard(self, node: Node) -> list[Step]:
        """Return the step that removes the kept domain, and its volumes and image unless something else uses them."""
        domain = self._domains[node]
        ready = not self._kept(domain)
        return [
            Step(f"{domain.where}: the old domain {domain.kept} removed", ready, lambda: _remove(domain, domain.kept))
        ]

    def _set_aside(self, domain: PlacedDomain) -> Iterator[Step]:
        domains = domain.host.domains
        if domains.own_note(domain.name, domain.cluster.cluster) is None or self._same(domain):
            return
        if self._kept(domain):
            what = f"{domain.where}: domain {domain.name} removed: it never became healthy"
            yield Step(what, False, lambda: _remove(domain, domain.name, spared=domain.base))
        else:
            what = f"{domain.where}: domain {domain.name} powered off and kept as {domain.kept}"
            yield Step(what, False, lambda: domains.set_aside(domain.name, domain.kept))

    def _take_back(self, domain: PlacedDomain) -> Iterator[Step]:
        domains = domain.host.domains
        if not self._kept(domain):
            return
        if domains.own_note(domain.name, domain.cluster.cluster) is not None:
            yield Step(f"{domain.where}: the new domain removed", False, lambda: _remove(domain, domain.name))
        yield Step(
            f"{domain.where}: {domain.kept} restored", False, lambda: domains.take_back(domain.kept, domain.name)
        )

    def _kept(self, domain: PlacedDomain) -> bool:
        return domain.host.domains.own_note(domain.kept, domain.cluster.cluster) is not None

    def _same(self, domain: PlacedDomain) -> bool:
        return domain.is_same(domain.host.domains.own_note(domain.name, domain.cluster.cluster))


def _remove(domain: PlacedDomain, name: str, spared: str = "") -> None:
    """Remove a domain, its volumes unless the node's other domain uses them, and images that nothing uses any more.

    The image `spared` stays, because the new domain needs it.
    """
    domains, pool = domain.host.domains, domain.host.pool
    other = domain.kept if name == domain.name else domain.name
    volumes = domains.volumes(name) - domains.volumes(other)
    bases = {base for volume, base in pool.images().items() if volume in volumes}
    domains.remove(name)
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
