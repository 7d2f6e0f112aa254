"""A vCenter as a hypervisor: deploy, upgrade and destroy nodes as virtual machines."""

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
    Store,
    desired_machine,
    is_same,
    owned,
    template_name,
)
from builder.deploy.vsphere.session import connected, login, translate_errors
from builder.deploy.vsphere.site import Found, site
from builder.nodes.upgrade import Standing
from builder.seed import seed as identity_seeds
from builder.seed.transports import find_transport
from builder.spec.model import Cluster, Node


class VsphereMachines:
    """The protocol `Machines` of builder/nodes/upgrade.py; its errors are UserErrors in vCenter's words."""

    def __init__(self, cluster: Cluster, destination: Destination, image: Path | None = None) -> None:
        identity_seeds.check_target(cluster, destination.transport)
        self._cluster, self._destination, self._site = cluster, destination, destination.site
        self._image = baked_image(cluster, image)
        self._store = Store(destination.site, destination.who, cluster.cluster)
        self._desired = {
            node: desired_machine(cluster, node, self._image, destination.transport) for node in cluster.nodes
        }

    def standing(self, node: Node) -> Standing:
        """A machine beside a kept one has to run to be current: its start may be what was cut off."""
        each = self._desired[node]
        found, kept = self._look(each)
        current = found is not None and is_same(each, found) and (kept is None or found.on)
        return Standing(current, kept is not None)

    def prepare(self, nodes: Sequence[Node]) -> list[Step]:
        """The template and the seeds."""
        name = template_name(self._image.label)
        with translate_errors(f"template {name}"):
            there = self._site.find([name])
        seeds = (step for node in nodes for step in deploy.seed(self._desired[node], self._store))
        return [*deploy.templates([self._image], self._destination, there), *seeds]

    def replace(self, node: Node) -> list[Step]:
        """Each step is ready where an upgrade that was cut off had done it."""
        each = self._desired[node]
        found, kept = self._look(each)
        same = is_same(each, found)
        aside = [] if found is None or same else [self._aside(each, kept)]
        made = deploy.made(each, self._store, ready=same)
        return [*aside, made, *self._running(each, found, settled=same)]

    def restore(self, node: Node) -> list[Step]:
        """The kept machine as it was; without one, the machine that is there."""
        each = self._desired[node]
        found, kept = self._look(each)
        back = list(self._back(each, found)) if kept else []
        return [*back, *self._running(each, found, settled=not back)]

    def discard(self, node: Node) -> list[Step]:
        """The kept machine, after its seed and its image if nothing else uses them."""
        each = self._desired[node]
        _, kept = self._look(each)
        return list(deploy.former_removed(each.kept, each, self._store)) if kept else []

    def _aside(self, each: DesiredMachine, kept: Found | None) -> Step:
        if kept:
            what = f"machine {each.name} removed, which was never healthy"
            return Step(what, ready=False, make=partial(machines.remove, self._site, each.name))
        what = f"machine {each.name} powered off and kept as {each.kept}"
        return Step(what, ready=False, make=partial(self._set_aside, each))

    def _set_aside(self, each: DesiredMachine) -> None:
        machines.stop(self._site, each.name)
        machines.rename(self._site, each.name, each.kept)

    def _back(self, each: DesiredMachine, found: Found | None) -> Iterator[Step]:
        if found:
            what = f"machine {each.name}: the new one removed"
            yield Step(what, ready=False, make=partial(machines.remove, self._site, each.name))
        what = f"machine {each.name}: {each.kept} under its name again"
        yield Step(what, ready=False, make=partial(machines.rename, self._site, each.kept, each.name))

    def _running(self, each: DesiredMachine, found: Found | None, *, settled: bool) -> Iterator[Step]:
        with translate_errors("looking at the machines"):
            there = self._site.find(rule.members(self._cluster))
        yield rule.step(self._cluster, self._site, there, settled=settled)
        on = settled and found is not None and found.on
        yield Step(f"machine {each.name}: running", on, partial(machines.start, self._site, each.name))

    def _look(self, each: DesiredMachine) -> tuple[Found | None, Found | None]:
        """The node's machine, and the one that is kept."""
        with translate_errors(f"machine {each.name}"):
            there = self._site.find([each.name, each.kept])
        return owned(there.get(each.name), each.cluster), owned(there.get(each.kept), each.cluster)


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
