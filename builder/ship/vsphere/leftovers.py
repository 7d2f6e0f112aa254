"""What vipforge created in a vCenter, and the steps that remove it once nothing uses it any more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from builder.ship.steps import Step
from builder.ship.vsphere import machines
from builder.ship.vsphere.node import CLUSTER_KEY, IMAGE_KEY, SEED_KEY, DesiredMachine, seed_file, template_name
from builder.ship.vsphere.seeds import Store
from builder.ship.vsphere.site import Found, Site


@dataclass(frozen=True)
class Known:
    """A machine that vipforge made: its cluster, and its image's and its seed's names."""

    name: str
    cluster: str
    image: str
    seed: str


def known(site: Site) -> list[Known]:
    """Every machine that vipforge made, of all clusters."""
    return sorted(map(_known, (each for each in site.machines() if each.variables.get(CLUSTER_KEY))), key=_name)


def former_removed(name: str, desired: DesiredMachine, store: Store) -> Iterator[Step]:
    """Remove a node's former machine, with its seed and its image if neither `desired` nor others use them.

    The machine goes last: as long as it exists, it names what has to go with it.
    """
    everything = known(store.site)
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
