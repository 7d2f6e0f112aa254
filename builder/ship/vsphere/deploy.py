"""The steps of `vipforge deploy vsphere`: a template of each image, a clone with its seed for each node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from builder.identity import seeds as identity_seeds
from builder.ship.baked_image import BakedImage, baked_image
from builder.ship.steps import EVERY_NODE, Choice, Step, refuse_other
from builder.ship.vsphere import leftovers, machines, rule, template
from builder.ship.vsphere.node import DesiredMachine, Destination, desired_machine, is_same, template_name
from builder.ship.vsphere.seeds import Store
from builder.ship.vsphere.session import translate_errors
from builder.ship.vsphere.site import Found, Site
from builder.spec.model import Cluster


def deployment(
    clusters: Sequence[Cluster], destination: Destination, choice: Choice = EVERY_NODE, image: Path | None = None
) -> list[Step]:
    """The templates, once per image, then cluster by cluster.

    Raises UserError at a machine of a node's name that differs.
    """
    for cluster in clusters:
        identity_seeds.check(cluster, destination.transport)
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
        ready = template.is_ready(there.get(name))
        yield Step(f"template {name}", ready, partial(template.make, destination.site, destination.who, image, name))


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
        yield from leftovers.former_removed(each.name, each, store)
    yield made(each, store, ready=same)
