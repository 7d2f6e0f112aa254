"""Specs that are given together: loading them, and the checks between them.

An address that two clusters have is in use twice, and neither notices. The address of a server in one spec may be a
VIP in another, though: that is how one cluster uses another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from pathlib import Path

from builder.core.errors import LocatedProblem, SpecError
from builder.spec.load import read_text
from builder.spec.model import Cluster
from builder.spec.positions import Document, read_yaml
from builder.spec.problem import ANY, Loc, Problem, addresses, named, numbers, the, vips
from builder.spec.values import IpAddress

CLUSTER: Loc = ("cluster",)
ROUTER_IDS = (("vrrp", "virtual_router_id"), ("vrrp", "instances", ANY, "virtual_router_id"))
OWN_ADDRESSES = (("nodes", ANY, "address"), ("nodes", ANY, "address6"), ("nodes", ANY, "management"))

Warnings = tuple[LocatedProblem, ...]


def load_together(paths: Sequence[Path], load_one: Callable[[Path], Cluster]) -> tuple[list[Cluster], Warnings]:
    """The clusters that several specs describe, in the same order, and warnings about them.

    Raises SpecError with every problem in all of the specs. If each is valid by itself, those are the problems between
    them: clusters of the same name, and addresses that two of them use.
    """
    clusters: list[Cluster] = []
    problems: list[LocatedProblem] = []
    for path in paths:
        try:
            clusters.append(load_one(path))
        except SpecError as error:
            problems += error.problems
    documents = [read_yaml(read_text(path), str(path)) for path in paths] if len(clusters) == len(paths) > 1 else []
    problems += [each for pair in combinations(documents, 2) for each in _collisions(*pair)]
    if problems:
        raise SpecError(problems)
    neighbours = [
        (documents[one], documents[two])
        for one, two in combinations(range(len(documents)), 2)
        if clusters[one].subnet().overlaps(clusters[two].subnet())
    ]
    return clusters, tuple(warning for pair in neighbours for warning in _router_ids(*pair))


def _collisions(first: Document, second: Document) -> Iterator[LocatedProblem]:
    """The problems between two specs, each located in the second one."""
    if Path(first.file).resolve() == Path(second.file).resolve():
        yield second.locate(Problem((), "this spec is given twice", "give each spec once", shows_value=False))
        return
    if first.values[CLUSTER].value == second.values[CLUSTER].value:
        reason = f"{_place(first, CLUSTER)} describes a cluster of this name, too"
        yield second.locate(
            Problem(CLUSTER, reason, "rename one of them: files and machines are named after the cluster")
        )
    taken = {address: loc for loc, address in _addresses(first)}
    for loc, address in _addresses(second):
        if address in taken:
            reason = f"{named(loc)} is also {the(taken[address])} in {_place(first, taken[address])}"
            yield second.locate(Problem(loc, reason, "give each cluster addresses of its own"))


def _addresses(document: Document) -> list[tuple[Loc, IpAddress]]:
    """The addresses that the cluster's nodes have, always or while they hold a VIP."""
    own = [found for pattern in OWN_ADDRESSES for found in addresses(document.data, *pattern)]
    return [*own, *vips(document.data)]


def _router_ids(first: Document, second: Document) -> Iterator[LocatedProblem]:
    """Warnings about VRRP groups of two clusters with the same number, which are for clusters in one subnet."""
    taken = {number: loc for loc, number in _numbers(first)}
    for loc, number in _numbers(second):
        if number in taken:
            reason = f"{named(loc)} is also {the(taken[number])} in {_place(first, taken[number])}, in the same subnet"
            yield second.locate(Problem(loc, reason, "give each VRRP group of a subnet a number of its own"))


def _numbers(document: Document) -> list[tuple[Loc, int]]:
    return [found for pattern in ROUTER_IDS for found in numbers(document.data, *pattern)]


def _place(document: Document, loc: Loc) -> str:
    """The file and the line of a value."""
    return f"{document.file}:{document.values[loc].start_mark.line + 1}"
