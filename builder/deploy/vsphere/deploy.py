"""The steps that deploy nodes to a vCenter, and those that remove a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from builder.core import paths
from builder.core.progress import Step
from builder.deploy.hypervisor import EVERY_NODE, Choice, refuse_other
from builder.deploy.machine import LABEL_LENGTH, BakedImage, baked_image
from builder.deploy.vsphere import machines, rule
from builder.deploy.vsphere.node import (
    CLUSTER_KEY,
    IMAGE_KEY,
    SEED_KEY,
    TRANSPORT_KEY,
    DesiredMachine,
    Destination,
    SeedStore,
    desired_machine,
    is_same,
    seed_file,
    template_name,
)
from builder.deploy.vsphere.session import translate_errors
from builder.deploy.vsphere.site import MachineInfo, Site
from builder.image import manifest
from builder.seed import seed as identity_seeds
from builder.seed.transports import all_transports
from builder.spec.model import Cluster


def deployment(
    clusters: Sequence[Cluster], destination: Destination, choice: Choice = EVERY_NODE, image: Path | None = None
) -> list[Step]:
    """Return the steps: the template of each image once, then cluster by cluster.

    Raises UserError if a node's machine exists, differs, and must not be replaced.
    """
    for cluster in clusters:
        identity_seeds.check_target(cluster, destination.transport)
    images = [baked_image(cluster, image) for cluster in clusters]
    nodes = [
        [desired_machine(cluster, node, image, destination) for node in choice.nodes(cluster)]
        for cluster, image in zip(clusters, images, strict=True)
    ]
    existing = _find_machines(destination.site, clusters, nodes)
    by_cluster = [_cluster_steps(*each, destination, existing, choice) for each in zip(clusters, nodes, strict=True)]
    return [*template_steps(images, destination, existing), *(step for steps in by_cluster for step in steps)]


def template_steps(
    images: Iterable[BakedImage], destination: Destination, existing: Mapping[str, MachineInfo]
) -> Iterator[Step]:
    """Yield the import of each image as a template, once per image."""
    for name, image in {template_name(image.label): image for image in images}.items():
        ready = machines.is_template(existing.get(name))
        make = partial(machines.make_template, destination.site, destination.login, image, name)
        yield Step(f"template {name}", ready, make)


def seed_steps(desired: DesiredMachine, store: SeedStore) -> Iterator[Step]:
    """Yield the upload of the node's seed, if the seed is a CD."""
    if desired.file:
        ready = store.has(desired.file, len(desired.cd))
        yield Step(f"seed {store.path(desired.file)}", ready, partial(store.put, desired.file, desired.cd))


def clone_step(desired: DesiredMachine, store: SeedStore, *, ready: bool) -> Step:
    """Return the step that clones the node's machine, with its seed."""
    cd = store.path(desired.file) if desired.file else ""
    return Step(
        f"machine {desired.name}, a clone of {desired.template}",
        ready,
        partial(machines.clone, store.site, desired, cd),
    )


def power_on_step(desired: DesiredMachine, site: Site, machine: MachineInfo | None) -> Step:
    """Return the step that powers the node's machine on."""
    on = is_same(desired, machine) and machine is not None and machine.on
    return Step(f"machine {desired.name}: running", on, partial(machines.start, site, desired.name))


def _find_machines(
    site: Site, clusters: Sequence[Cluster], nodes: Sequence[Sequence[DesiredMachine]]
) -> dict[str, MachineInfo]:
    """Look up all machines and templates of these nodes, by name."""
    names = {name for desired in nodes for each in desired for name in (each.name, each.template)}
    names |= {name for cluster in clusters for name in rule.machine_names(cluster)}
    with translate_errors("looking at the machines"):
        return site.find(names)


def _cluster_steps(
    cluster: Cluster,
    nodes: Sequence[DesiredMachine],
    destination: Destination,
    existing: Mapping[str, MachineInfo],
    choice: Choice,
) -> list[Step]:
    store = SeedStore(destination.site, destination.login, cluster.cluster)
    clones = [one for each in nodes for one in _machine_steps(each, store, existing.get(each.name), choice)]
    return [
        *(step for each in nodes for step in seed_steps(each, store)),
        *clones,
        rule.rule_step(cluster, destination.site, existing, settled=all(step.ready for step in clones)),
        *(power_on_step(each, destination.site, existing.get(each.name)) for each in nodes),
    ]


def _machine_steps(
    desired: DesiredMachine, store: SeedStore, machine: MachineInfo | None, choice: Choice
) -> Iterator[Step]:
    same = is_same(desired, machine)
    if machine and not same:
        if not choice.replace:
            refuse_other(f"machine {desired.name}")
        yield from former_machine_steps(desired.name, desired, store)
    yield clone_step(desired, store, ready=same)


def removal(cluster: Cluster, destination: Destination) -> list[Step]:
    """Return the steps that remove the rule, machines and seeds, and the templates that nothing else uses."""
    name, site = cluster.cluster, destination.site
    store = SeedStore(site, destination.login, name)
    with translate_errors(f"looking for machines of {name}"):
        everything = managed_machines(site)
        ours = [each for each in everything if each.cluster == name]
        labels = _labels(cluster, ours) - {each.image for each in everything if each.cluster != name}
        templates = site.find(map(template_name, labels))
        unused = [label for label in sorted(labels) if template_name(label) in templates]
        return [
            *_rule_removal(name, site),
            *(machine_removal(each.name, site) for each in ours),
            *_seeds_removal(store),
            *(template_removal(label, site) for label in unused),
        ]


def _labels(cluster: Cluster, ours: list[ManagedMachine]) -> set[str]:
    """Return the labels of the machines' images, and of the image baked on this host: it may have a template only."""
    baked = manifest.read(paths.build_folder(cluster.cluster)) or {}
    return {each.image for each in ours} | ({baked["sha256"][:LABEL_LENGTH]} if "sha256" in baked else set())


def _rule_removal(cluster: str, site: Site) -> Iterator[Step]:
    name = rule.rule_name(cluster)
    if rule.find_rule(site, name) is not None:
        yield Step(f"rule {name} removed", ready=False, make=partial(rule.remove, site, name))


def _seeds_removal(store: SeedStore) -> Iterator[Step]:
    if store.exists():
        yield Step(f"seeds {store.path('')} removed", ready=False, make=store.remove)


@dataclass(frozen=True)
class ManagedMachine:
    """A machine that vipforge created: its cluster, its image's label, its seed's instance ID and transport."""

    name: str
    cluster: str
    image: str
    seed: str
    transport: str

    @property
    def seed_on_cd(self) -> str:
        """The instance ID of a seed on a CD. A machine of an earlier release, which has no transport, may have one."""
        transport = all_transports().get(self.transport)
        return "" if transport and transport.settings else self.seed


def managed_machines(site: Site) -> list[ManagedMachine]:
    """Return every machine that vipforge created, of all clusters, by name."""
    return sorted(
        map(_managed_machine, (each for each in site.machines() if each.variables.get(CLUSTER_KEY))), key=_name
    )


def former_machine_steps(name: str, desired: DesiredMachine, store: SeedStore) -> Iterator[Step]:
    """Yield the removal of a node's former machine, and of its seed and image unless `desired` or others use them.

    The machine is removed last, because it records which seed and image belong to it.
    """
    everything = managed_machines(store.site)
    (former,) = (each for each in everything if each.name == name)
    others = [each for each in everything if each != former]
    used = {each.seed_on_cd for each in others} | ({desired.seed.instance_id} if desired.cd else set())
    if former.seed_on_cd and former.seed_on_cd not in used:
        yield seed_removal(former.seed_on_cd, store)
    if former.image not in {desired.variables[IMAGE_KEY], *(each.image for each in others)}:
        yield template_removal(former.image, store.site)
    yield machine_removal(former.name, store.site)


def machine_removal(name: str, site: Site) -> Step:
    """Return the step that deletes the machine and its disk."""
    return Step(f"machine {name} removed", ready=False, make=partial(machines.remove, site, name))


def template_removal(label: str, site: Site) -> Step:
    """Return the step that deletes an image's template."""
    name = template_name(label)
    return Step(f"template {name} removed", ready=False, make=partial(machines.remove, site, name))


def seed_removal(instance_id: str, store: SeedStore) -> Step:
    """Return the step that deletes a seed's file, which a seed of another transport does not have."""
    file = seed_file(instance_id)
    return Step(f"seed {store.path(file)} removed", ready=False, make=partial(store.remove, file))


def _managed_machine(machine: MachineInfo) -> ManagedMachine:
    return ManagedMachine(
        machine.name, *(machine.variables.get(key, "") for key in (CLUSTER_KEY, IMAGE_KEY, SEED_KEY, TRANSPORT_KEY))
    )


def _name(each: ManagedMachine) -> str:
    return each.name
