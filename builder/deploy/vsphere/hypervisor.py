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
        self._desired = {node: desired_machine(cluster, node, self._image, destination) for node in cluster.nodes}

    def standing(self, node: Node) -> Standing:
        """A machine beside a kept one is current only if it runs; an upgrade may have stopped before the start."""
        desired = self._desired[node]
        machine, kept = self._find_machines(desired)
        current = machine is not None and is_same(desired, machine) and (kept is None or machine.on)
        return Standing(current, kept is not None)

    def prepare(self, nodes: Sequence[Node]) -> list[Step]:
        """Return the uploads of the template and the seeds."""
        name = template_name(self._image.label)
        with translate_errors(f"template {name}"):
            existing = self._site.find([name])
        seeds = (step for node in nodes for step in deploy.seed_steps(self._desired[node], self._store))
        return [*deploy.template_steps([self._image], self._destination, existing), *seeds]

    def replace(self, node: Node) -> list[Step]:
        """Return the steps that set the old machine aside and clone the new one; those already done are ready."""
        desired = self._desired[node]
        machine, kept = self._find_machines(desired)
        same = is_same(desired, machine)
        aside = [] if machine is None or same else [self._set_aside_step(desired, kept)]
        clone = deploy.clone_step(desired, self._store, ready=same)
        return [*aside, clone, *self._power_on_steps(desired, machine, settled=same)]

    def restore(self, node: Node) -> list[Step]:
        """Return the steps that bring the kept machine back or, if none is kept, start the existing one."""
        desired = self._desired[node]
        machine, kept = self._find_machines(desired)
        back = list(self._restore_steps(desired, machine)) if kept else []
        return [*back, *self._power_on_steps(desired, machine, settled=not back)]

    def discard(self, node: Node) -> list[Step]:
        """Return the steps that remove the kept machine, and its seed and image unless something else uses them."""
        desired = self._desired[node]
        _, kept = self._find_machines(desired)
        return list(deploy.former_machine_steps(desired.kept, desired, self._store)) if kept else []

    def _set_aside_step(self, desired: DesiredMachine, kept: MachineInfo | None) -> Step:
        if kept:
            what = f"machine {desired.name} removed: it never became healthy"
            return Step(what, ready=False, make=partial(machines.remove, self._site, desired.name))
        what = f"machine {desired.name} powered off and kept as {desired.kept}"
        return Step(what, ready=False, make=partial(self._set_aside, desired))

    def _set_aside(self, desired: DesiredMachine) -> None:
        machines.stop(self._site, desired.name)
        machines.rename(self._site, desired.name, desired.kept)

    def _restore_steps(self, desired: DesiredMachine, machine: MachineInfo | None) -> Iterator[Step]:
        if machine:
            what = f"machine {desired.name}: the new one removed"
            yield Step(what, ready=False, make=partial(machines.remove, self._site, desired.name))
        what = f"machine {desired.name}: {desired.kept} restored"
        yield Step(what, ready=False, make=partial(machines.rename, self._site, desired.kept, desired.name))

    def _power_on_steps(
        self, desired: DesiredMachine, machine: MachineInfo | None, *, settled: bool
    ) -> Iterator[Step]:
        with translate_errors("looking at the machines"):
            existing = self._site.find(rule.machine_names(self._cluster))
        yield rule.rule_step(self._cluster, self._site, existing, settled=settled)
        on = settled and machine is not None and machine.on
        yield Step(f"machine {desired.name}: running", on, partial(machines.start, self._site, desired.name))

    def _find_machines(self, desired: DesiredMachine) -> tuple[MachineInfo | None, MachineInfo | None]:
        """Return the node's machine and its kept former machine; raises UserError if vipforge did not create them."""
        with translate_errors(f"machine {desired.name}"):
            existing = self._site.find([desired.name, desired.kept])
        return owned(existing.get(desired.name), desired.cluster), owned(existing.get(desired.kept), desired.cluster)


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
