"""The steps of `vipforge destroy vsphere`: everything of one cluster, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from builder import paths
from builder.bake import manifest
from builder.ship.baked_image import NAMED_BY
from builder.ship.steps import Step
from builder.ship.vsphere import leftovers, rule
from builder.ship.vsphere.leftovers import Known
from builder.ship.vsphere.node import Destination, template_name
from builder.ship.vsphere.seeds import Store
from builder.ship.vsphere.session import translate_errors
from builder.ship.vsphere.site import Site
from builder.spec.model import Cluster


def removal(cluster: Cluster, destination: Destination) -> list[Step]:
    """The cluster's rule, machines and seeds, and the templates that no other cluster uses."""
    name, site = cluster.cluster, destination.site
    store = Store(site, destination.who, name)
    with translate_errors(f"looking for what there is of {name}"):
        everything = leftovers.known(site)
        ours = [each for each in everything if each.cluster == name]
        labels = _labels(cluster, ours) - {each.image for each in everything if each.cluster != name}
        there = site.find(map(template_name, labels))
        unused = [label for label in sorted(labels) if template_name(label) in there]
        return [
            *_rule(name, site),
            *(leftovers.machine_removed(each.name, site) for each in ours),
            *_seeds(store),
            *(leftovers.template_removed(label, site) for label in unused),
        ]


def _labels(cluster: Cluster, ours: list[Known]) -> set[str]:
    """The images of the machines, and the one that lies baked here: its template may be all that there is."""
    baked = manifest.read(paths.build(cluster.cluster)) or {}
    return {each.image for each in ours} | ({baked["sha256"][:NAMED_BY]} if "sha256" in baked else set())


def _rule(cluster: str, site: Site) -> Iterator[Step]:
    name = rule.rule_name(cluster)
    if rule.find(site, name) is not None:
        yield Step(f"rule {name} removed", ready=False, make=partial(rule.remove, site, name))


def _seeds(store: Store) -> Iterator[Step]:
    if store.exists():
        yield Step(f"seeds {store.path('')} removed", ready=False, make=store.remove)
