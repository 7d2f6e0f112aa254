"""`vipforge deploy libvirt`: clusters' nodes as domains, spread over the hosts that are named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Literal

from builder import paths
from builder.files import locked
from builder.ship.kvm.host import Hosts
from builder.ship.kvm.machine import short
from builder.ship.kvm.place import Options, place
from builder.ship.kvm.wanted import Wanted, wanted
from builder.ship.source import source
from builder.ship.steps import EVERY_NODE, Choice, Step, refuse_other
from builder.spec.model import Cluster

State = Literal["absent", "same", "other"]
LOCK_SECONDS = 30 * 60


def steps(
    clusters: Sequence[Cluster],
    asked: Options,
    stack: ExitStack,
    choice: Choice = EVERY_NODE,
    image: Path | None = None,
) -> list[Step]:
    """What a deployment needs and lacks: images, once a host, then node by node.

    The connections stay open until the end of `stack`. Raises UserError where a host cannot be reached, or has a
    domain of a node's name that differs.
    """
    hosts = Hosts(stack)
    nodes = [
        each
        for cluster in clusters
        for each in wanted(cluster, place(cluster, asked), hosts, source(cluster, image), choice.nodes(cluster))
    ]
    return [*images(nodes), *(step for each in nodes for step in _node(each, replace=choice.replace))]


def images(nodes: Sequence[Wanted]) -> Iterator[Step]:
    """Each image, once a host."""
    for each in {(each.host.uri, each.base): each for each in nodes}.values():
        yield Step(f"{short(each.uri)}: image {each.base}", _has_image(each), partial(_upload_once, each))


def make(each: Wanted, state: State) -> Iterator[Step]:
    """The node itself, from image and seed; with the state `same` its domain and its disk are as they should be."""
    same = state == "same"
    yield Step(f"{each.where}: disk {each.disk}", same, each.make_disk)
    yield Step(f"{each.where}: domain {each.name} ({each.kind})", same, each.define)
    running = same and each.host.domains.is_running(each.name)
    yield Step(f"{each.where}: running", running, lambda: each.host.domains.start(each.name))


def seed(each: Wanted) -> Step:
    """The node's seed."""
    return Step(f"{each.where}: seed {each.cd}", each.host.pool.size(each.cd) is not None, each.upload_seed)


def _has_image(each: Wanted) -> bool:
    # A half upload of a killed run is smaller than the image.
    return each.host.pool.size(each.base) == each.image.size


def _upload_once(each: Wanted) -> None:
    """Another deployment of this host may be at it, for another cluster of the same image."""
    with locked(paths.state("images", f"{each.base}.lock"), f"image {each.base}", timeout=LOCK_SECONDS):
        if not _has_image(each):
            each.upload_image()


def _node(each: Wanted, *, replace: bool) -> Iterator[Step]:
    state = _state(each, replace=replace)
    if state == "other":
        yield Step(f"{each.where}: the old domain {each.name} removed", ready=False, make=lambda: _remove(each))
    yield seed(each)
    yield from make(each, state)


def _remove(each: Wanted) -> None:
    """With its disk: nothing of it could be used again."""
    volumes = each.host.domains.volumes(each.name) - {each.cd}
    each.host.domains.remove(each.name)
    for volume in sorted(volumes):
        each.host.pool.remove(volume)


def _state(each: Wanted, *, replace: bool) -> State:
    """What there is of the node's domain; raises UserError at one that must not be changed."""
    note = each.host.domains.own(each.name, each.cluster.cluster)
    if note is None:
        return "absent"
    if each.is_same(note):
        return "same"
    return "other" if replace else refuse_other(f"{short(each.uri)}: domain {each.name}")
