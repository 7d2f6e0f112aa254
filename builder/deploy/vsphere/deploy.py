"""Deploying to a vCenter, and removing what was deployed or left behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from builder.core import paths
from builder.core.progress import Step
from builder.deploy.hypervisor import EVERY_NODE, Choice, refuse_other
from builder.deploy.machine import NAMED_BY, BakedImage, baked_image
from builder.deploy.vsphere import machines, rule
from builder.deploy.vsphere.node import (
    CLUSTER_KEY,
    IMAGE_KEY,
    SEED_KEY,
    DesiredMachine,
    Destination,
    Store,
    desired_machine,
    is_same,
    seed_file,
    template_name,
)
from builder.deploy.vsphere.session import translate_errors
from builder.deploy.vsphere.site import Found, Site
from builder.image import manifest
from builder.seed import seed as identity_seeds
from builder.spec.model import Cluster


def deployment(
    clusters: Sequence[Cluster], destination: Destination, choice: Choice = EVERY_NODE, image: Path | None = None
) -> list[Step]:
    """The templates, once per image, then cluster by cluster.

    Raises UserError at a machine of a node's name that differs.
    """
    for cluster in clusters:
        identity_seeds.check_target(cluster, destination.transport)
    images = [baked_image(cluster, image) for cluster in clusters]
    nodes = [
        [desired_machine(cluster, node, image, destination.transport) for node in choice.nodes(cluster)]
        for cluster, image in zip(clusters, images, strict=True)
    ]
    there = _look(destination.site, clusters, nodes)
    made = [_of_cluster(*each, destination, there, choice) for each in zip(clusters, nodes, strict=True)]
    return [*templates(images, destination, there), *(step for steps in made for step in steps)]


def templates(images: Iterable[BakedImage], destination: Destination, there: Mapping[str, Found]) -> Iterator[Step]:
    """Each image as a template, once."""
    for name, image in {template_name(image.label): image for image in images}.items():
        ready = machines.is_ready(there.get(name))
        yield Step(f"template {name}", ready, partial(machines.make, destination.site, destination.who, image, name))


def seed(each: DesiredMachine, store: Store) -> Iterator[Step]:
    """The node's seed on the datastore, if it has a CD."""
    if each.file:
        there = store.has(each.file, len(each.cd))
        yield Step(f"seed {store.path(each.file)}", there, partial(store.put, each.file, each.cd))


def made(each: DesiredMachine, store: Store, *, ready: bool) -> Step:
    """The node's machine, as a clone with its seed."""
    cd = store.path(each.file) if each.file else ""
    return Step(
        f"machine {each.name}, a clone of {each.original}", ready, partial(machines.clone, store.site, each, cd)
    )


def running(each: DesiredMachine, site: Site, found: Found | None) -> Step:
    """The node's machine, powered on."""
    on = is_same(each, found) and found is not None and found.on
    return Step(f"machine {each.name}: running", on, partial(machines.start, site, each.name))


def _look(site: Site, clusters: Sequence[Cluster], nodes: Sequence[Sequence[DesiredMachine]]) -> dict[str, Found]:
    """Every machine that matters here, in one request."""
    names = {name for each in nodes for one in each for name in (one.name, one.original)}
    names |= {name for cluster in clusters for name in rule.members(cluster)}
    with translate_errors("looking at the machines"):
        return site.find(names)


def _of_cluster(
    cluster: Cluster,
    nodes: Sequence[DesiredMachine],
    destination: Destination,
    there: Mapping[str, Found],
    choice: Choice,
) -> list[Step]:
    store = Store(destination.site, destination.who, cluster.cluster)
    made = [step for each in nodes for step in _machine(each, store, there.get(each.name), choice)]
    return [
        *(step for each in nodes for step in seed(each, store)),
        *made,
        rule.step(cluster, destination.site, there, settled=all(step.ready for step in made)),
        *(running(each, destination.site, there.get(each.name)) for each in nodes),
    ]


def _machine(each: DesiredMachine, store: Store, found: Found | None, choice: Choice) -> Iterator[Step]:
    same = is_same(each, found)
    if found and not same:
        if not choice.replace:
            refuse_other(f"machine {each.name}")
        yield from former_removed(each.name, each, store)
    yield made(each, store, ready=same)


def removal(cluster: Cluster, destination: Destination) -> list[Step]:
    """The cluster's rule, machines and seeds, and the templates that no other cluster uses."""
    name, site = cluster.cluster, destination.site
    store = Store(site, destination.who, name)
    with translate_errors(f"looking for what there is of {name}"):
        everything = known_leftovers(site)
        ours = [each for each in everything if each.cluster == name]
        labels = _labels(cluster, ours) - {each.image for each in everything if each.cluster != name}
        there = site.find(map(template_name, labels))
        unused = [label for label in sorted(labels) if template_name(label) in there]
        return [
            *_rule(name, site),
            *(machine_removed(each.name, site) for each in ours),
            *_seeds(store),
            *(template_removed(label, site) for label in unused),
        ]


def _labels(cluster: Cluster, ours: list[Known]) -> set[str]:
    """The images of the machines, and the one that lies baked here: its template may be all that there is."""
    baked = manifest.read(paths.build_folder(cluster.cluster)) or {}
    return {each.image for each in ours} | ({baked["sha256"][:NAMED_BY]} if "sha256" in baked else set())


def _rule(cluster: str, site: Site) -> Iterator[Step]:
    name = rule.rule_name(cluster)
    if rule.find_rule(site, name) is not None:
        yield Step(f"rule {name} removed", ready=False, make=partial(rule.remove, site, name))


def _seeds(store: Store) -> Iterator[Step]:
    if store.exists():
        yield Step(f"seeds {store.path('')} removed", ready=False, make=store.remove)


@dataclass(frozen=True)
class Known:
    """A machine that vipforge made: its cluster, and its image's and its seed's names."""

    name: str
    cluster: str
    image: str
    seed: str


def known_leftovers(site: Site) -> list[Known]:
    """Every machine that vipforge made, of all clusters."""
    return sorted(map(_known, (each for each in site.machines() if each.variables.get(CLUSTER_KEY))), key=_name)


def former_removed(name: str, desired: DesiredMachine, store: Store) -> Iterator[Step]:
    """Remove a node's former machine, with its seed and its image if neither `desired` nor others use them.

    The machine goes last: as long as it exists, it names what has to go with it.
    """
    everything = known_leftovers(store.site)
    (former,) = (each for each in everything if each.name == name)
    others = [each for each in everything if each != former]
    if former.seed not in {desired.seed.instance_id, *(each.seed for each in others)}:
        yield seed_removed(former.seed, store)
    if former.image not in {desired.variables[IMAGE_KEY], *(each.image for each in others)}:
        yield template_removed(former.image, store.site)
    yield machine_removed(former.name, store.site)


def machine_removed(name: str, site: Site) -> Step:
    """The machine and its disk deleted."""
    return Step(f"machine {name} removed", ready=False, make=partial(machines.remove, site, name))


def template_removed(label: str, site: Site) -> Step:
    """The template of an image deleted."""
    name = template_name(label)
    return Step(f"template {name} removed", ready=False, make=partial(machines.remove, site, name))


def seed_removed(instance_id: str, store: Store) -> Step:
    """A seed's file deleted; a seed that travelled otherwise has none."""
    file = seed_file(instance_id)
    return Step(f"seed {store.path(file)} removed", ready=False, make=partial(store.remove, file))


def _known(found: Found) -> Known:
    return Known(found.name, *(found.variables.get(key, "") for key in (CLUSTER_KEY, IMAGE_KEY, SEED_KEY)))


def _name(each: Known) -> str:
    return each.name
