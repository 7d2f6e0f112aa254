"""A vCenter as a hypervisor: deploying, upgrading and removing nodes as virtual machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from builder.core.progress import Step
from builder.deploy.hypervisor import EVERY_NODE, Choice, Hypervisor
from builder.deploy.machine import baked_image
from builder.deploy.vsphere import VsphereOptions, deploy, machines, rule
from builder.deploy.vsphere.deploy import deployment, removal
from builder.deploy.vsphere.node import (
    DesiredMachine,
    Destination,
    SeedStore,
    desired_machine,
    is_same,
    owned,
    template_name,
)
from builder.deploy.vsphere.session import connected, login_from_environment, translate_errors
from builder.deploy.vsphere.site import MachineInfo, find_site
from builder.nodes.upgrade import Standing
from builder.seed import seed as identity_seeds
from builder.seed.transports import find_transport
from builder.spec.model import Cluster, Node


class VsphereMachines:
    """The protocol `Machines` of builder/nodes/upgrade.py. Methods raise UserError with vCenter's message."""

    def __init__(self, cluster: Cluster, destination: Destination, image: Path | None = None) -> None:
        identity_seeds.check_target(cluster, destination.transport)
        self._cluster, self._destination, self._site = cluster, destination, destination.site
        self._image = baked_image(cluster, image)
        self._store = SeedStore(destination.site, destination.login, cluster.cluster)
        self._desired = {
            node: desired_machine(cluster, node, self._image, destination.transport) for node in cluster.nodes
        }

    def standing(self, node: Node) -> Standing:
        """A machine beside a kept one is current only if it runs; an upgrade may have stopped before the start."""
        each = self._desired[node]
        found, kept = self._look(each)
        current = found is not None and is_same(each, found) and (kept is None or found.on)
        return Standing(current, kept is not None)

    def prepare(self, nodes: Sequence[Node]) -> list[Step]:
        """Upload the template and the seeds."""
        name = template_name(self._image.label)
        with translate_errors(f"template {name}"):
            existing = self._site.find([name])
        seeds = (step for node in nodes for step in deploy.seed_steps(self._desired[node], self._store))
        return [*deploy.template_steps([self._image], self._destination, existing), *seeds]

    def replace(self, node: Node) -> list[Step]:
        """Set the old machine aside and clone the new one; steps that an interrupted run has done are ready."""
        each = self._desired[node]
        found, kept = self._look(each)
        same = is_same(each, found)
        aside = [] if found is None or same else [self._aside(each, kept)]
        clone = deploy.clone_step(each, self._store, ready=same)
        return [*aside, clone, *self._running(each, found, settled=same)]

    def restore(self, node: Node) -> list[Step]:
        """Bring the kept machine back; if none is kept, start the existing one."""
        each = self._desired[node]
        found, kept = self._look(each)
        back = list(self._back(each, found)) if kept else []
        return [*back, *self._running(each, found, settled=not back)]

    def discard(self, node: Node) -> list[Step]:
        """Remove the kept machine, and its seed and image unless something else uses them."""
        each = self._desired[node]
        _, kept = self._look(each)
        return list(deploy.former_machine_steps(each.kept, each, self._store)) if kept else []

    def _aside(self, each: DesiredMachine, kept: MachineInfo | None) -> Step:
        if kept:
            what = f"machine {each.name} removed: it never became healthy"
            return Step(what, ready=False, make=partial(machines.remove, self._site, each.name))
        what = f"machine {each.name} powered off and kept as {each.kept}"
        return Step(what, ready=False, make=partial(self._set_aside, each))

    def _set_aside(self, each: DesiredMachine) -> None:
        machines.stop(self._site, each.name)
        machines.rename(self._site, each.name, each.kept)

    def _back(self, each: DesiredMachine, found: MachineInfo | None) -> Iterator[Step]:
        if found:
            what = f"machine {each.name}: the new one removed"
            yield Step(what, ready=False, make=partial(machines.remove, self._site, each.name))
        what = f"machine {each.name}: {each.kept} restored"
        yield Step(what, ready=False, make=partial(machines.rename, self._site, each.kept, each.name))

    def _running(self, each: DesiredMachine, found: MachineInfo | None, *, settled: bool) -> Iterator[Step]:
        with translate_errors("looking at the machines"):
            existing = self._site.find(rule.machine_names(self._cluster))
        yield rule.rule_step(self._cluster, self._site, existing, settled=settled)
        on = settled and found is not None and found.on
        yield Step(f"machine {each.name}: running", on, partial(machines.start, self._site, each.name))

    def _look(self, each: DesiredMachine) -> tuple[MachineInfo | None, MachineInfo | None]:
        """Return the node's machine and its kept former machine; raises UserError if vipforge did not create them."""
        with translate_errors(f"machine {each.name}"):
            existing = self._site.find([each.name, each.kept])
        return owned(existing.get(each.name), each.cluster), owned(existing.get(each.kept), each.cluster)


class VsphereHypervisor(Hypervisor):
    """A session with one vCenter."""

    def __init__(self, options: VsphereOptions, stack: ExitStack) -> None:
        transport = find_transport(options.transport, "cd", "settings")
        login = login_from_environment(options.server, options.user, insecure=options.insecure)
        service = stack.enter_context(connected(login))
        self._destination = Destination(find_site(service, options), login, transport)

    def deployment(
        self, clusters: Sequence[Cluster], choice: Choice = EVERY_NODE, image: Path | None = None
    ) -> list[Step]:
        """Import the templates, then deploy cluster by cluster; raises UserError at a machine that must not change."""
        return deployment(clusters, self._destination, choice, image)

    def machines(self, cluster: Cluster, image: Path | None = None) -> VsphereMachines:
        """Return the nodes' machines."""
        return VsphereMachines(cluster, self._destination, image)

    def removal(self, cluster: Cluster) -> list[Step]:
        """Return the removal of rule, machines, seeds and templates."""
        return removal(cluster, self._destination)


HYPERVISOR = VsphereHypervisor
