"""The steps of `vipforge deploy libvirt`: images and seeds into the pools, then disk and domain of each node."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Literal

from builder import paths
from builder.files import locked
from builder.ship.libvirt.node import PlacedDomain, short
from builder.ship.steps import Step, refuse_other

State = Literal["absent", "same", "other"]
LOCK_SECONDS = 30 * 60


def images(nodes: Sequence[PlacedDomain]) -> Iterator[Step]:
    """Each image, once per host."""
    for each in {(each.host.uri, each.base): each for each in nodes}.values():
        yield Step(f"{short(each.uri)}: image {each.base}", _has_image(each), partial(_upload_once, each))


def node(each: PlacedDomain, *, replace: bool) -> Iterator[Step]:
    """Everything of one node; raises UserError at a domain of its name that must not be changed."""
    state = _state(each, replace=replace)
    if state == "other":
        yield Step(f"{each.where}: the old domain {each.name} removed", ready=False, make=lambda: _remove(each))
    yield seed(each)
    yield from make(each, state)


def make(each: PlacedDomain, state: State) -> Iterator[Step]:
    """Disk and domain, from image and seed; in the state `same` both are as they should be."""
    same = state == "same"
    yield Step(f"{each.where}: disk {each.disk}", same, each.make_disk)
    yield Step(f"{each.where}: domain {each.name} ({each.kind})", same, each.define)
    running = same and each.host.domains.is_running(each.name)
    yield Step(f"{each.where}: running", running, lambda: each.host.domains.start(each.name))


def seed(each: PlacedDomain) -> Step:
    """The node's seed."""
    return Step(f"{each.where}: seed {each.cd}", each.host.pool.size(each.cd) is not None, each.upload_seed)


def _has_image(each: PlacedDomain) -> bool:
    # A half upload of a killed run is smaller than the image.
    return each.host.pool.size(each.base) == each.image.size


def _upload_once(each: PlacedDomain) -> None:
    """Another deployment from this host may be uploading it, for another cluster of the same image."""
    with locked(paths.state("images", f"{each.base}.lock"), f"image {each.base}", timeout=LOCK_SECONDS):
        if not _has_image(each):
            each.upload_image()


def _remove(each: PlacedDomain) -> None:
    """With its disk: none of it could be used again."""
    volumes = each.host.domains.volumes(each.name) - {each.cd}
    each.host.domains.remove(each.name)
    for volume in sorted(volumes):
        each.host.pool.remove(volume)


def _state(each: PlacedDomain, *, replace: bool) -> State:
    """How the node's domain differs; raises UserError at one that must not be changed."""
    note = each.host.domains.own(each.name, each.cluster.cluster)
    if note is None:
        return "absent"
    if each.is_same(note):
        return "same"
    return "other" if replace else refuse_other(f"{short(each.uri)}: domain {each.name}")
