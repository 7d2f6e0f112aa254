"""`vipforge deploy vsphere`: one template an image, a clone a node with its seed, on different hosts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from builder.identity import nocloud
from builder.identity import seeds as seeds_by_road
from builder.ship.source import Source, source
from builder.ship.steps import EVERY_NODE, Choice, Step, refuse_other
from builder.ship.vsphere import leftovers, machines, rule, template
from builder.ship.vsphere.node import Target, Wanted, is_same, template_name, wanted
from builder.ship.vsphere.seeds import Store
from builder.ship.vsphere.session import told
from builder.ship.vsphere.site import Found, Site
from builder.spec.model import Cluster


def steps(
    clusters: Sequence[Cluster], target: Target, choice: Choice = EVERY_NODE, image: Path | None = None
) -> list[Step]:
    """What the deployment needs and lacks: the templates, once an image, then cluster by cluster.

    Raises UserError where a machine of a node's name is another.
    """
    for cluster in clusters:
        seeds_by_road.check(cluster, target.road)
    images = [source(cluster, image) for cluster in clusters]
    nodes = [
        [wanted(cluster, node, image, target.road) for node in choice.nodes(cluster)]
        for cluster, image in zip(clusters, images, strict=True)
    ]
    there = _look(target.site, clusters, nodes)
    made = [_of_cluster(*each, target, there, choice) for each in zip(clusters, nodes, strict=True)]
    return [*templates(images, target, there), *(step for steps in made for step in steps)]


def templates(images: Iterable[Source], target: Target, there: Mapping[str, Found]) -> Iterator[Step]:
    """Each image as a template, once."""
    for name, image in {template_name(image.label): image for image in images}.items():
        ready = template.is_ready(there.get(name))
        yield Step(f"template {name}", ready, partial(template.make, target.site, target.who, image, name))


def seed(each: Wanted, store: Store) -> Iterator[Step]:
    """The node's seed on the datastore, if it travels by that road."""
    if each.file:
        content = nocloud.image(each.seed)
        there = store.has(each.file, len(content))
        yield Step(f"seed {store.path(each.file)}", there, partial(store.put, each.file, content))


def made(each: Wanted, store: Store, *, ready: bool) -> Step:
    """The node's machine, as a clone with its seed."""
    cd = store.path(each.file) if each.file else ""
    return Step(
        f"machine {each.name}, a clone of {each.original}", ready, partial(machines.clone, store.site, each, cd)
    )


def running(each: Wanted, site: Site, found: Found | None) -> Step:
    """The node's machine, powered on."""
    on = is_same(each, found) and found is not None and found.on
    return Step(f"machine {each.name}: running", on, partial(machines.start, site, each.name))


def _look(site: Site, clusters: Sequence[Cluster], nodes: Sequence[Sequence[Wanted]]) -> dict[str, Found]:
    """Every machine that matters here, asked for at once."""
    names = {name for each in nodes for one in each for name in (one.name, one.original)}
    names |= {name for cluster in clusters for name in rule.members(cluster)}
    with told("looking at the machines"):
        return site.find(names)


def _of_cluster(
    cluster: Cluster, nodes: Sequence[Wanted], target: Target, there: Mapping[str, Found], choice: Choice
) -> list[Step]:
    store = Store(target.site, target.who, cluster.cluster)
    made = [step for each in nodes for step in _machine(each, store, there.get(each.name), choice)]
    return [
        *(step for each in nodes for step in seed(each, store)),
        *made,
        rule.step(cluster, target.site, there, settled=all(step.ready for step in made)),
        *(running(each, target.site, there.get(each.name)) for each in nodes),
    ]


def _machine(each: Wanted, store: Store, found: Found | None, choice: Choice) -> Iterator[Step]:
    same = is_same(each, found)
    if found and not same:
        if not choice.replace:
            refuse_other(f"machine {each.name}")
        yield from leftovers.removal(each.name, each, store)
    yield made(each, store, ready=same)
