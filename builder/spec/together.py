"""Specs that are given together: loading them, and the checks between them.

An address that two clusters have is in use twice, and neither notices. The address of a server in one spec may be a
VIP in another, though: that is how one cluster uses another.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from ipaddress import IPv4Network
from pathlib import Path

from builder.core.errors import LocatedProblem, SpecError
from builder.spec.checks.management import hardware_addresses
from builder.spec.load import read_text
from builder.spec.model import Cluster
from builder.spec.positions import Document, read_yaml
from builder.spec.problem import ANY, Loc, Problem, addresses, named, numbers, the, vips
from builder.spec.values import IpAddress

CLUSTER: Loc = ("cluster",)
ROUTER_IDS = (("vrrp", "virtual_router_id"), ("vrrp", "instances", ANY, "virtual_router_id"))
OWN_ADDRESSES = (("nodes", ANY, "address"), ("nodes", ANY, "address6"), ("nodes", ANY, "management"))

Warnings = tuple[LocatedProblem, ...]
Place = tuple[Document, Loc]


def load_together(paths: Sequence[Path], load_one: Callable[[Path], Cluster]) -> tuple[list[Cluster], Warnings]:
    """The clusters that several specs describe, in the same order, and warnings about them.

    Raises SpecError with every problem in all of the specs. If each is valid by itself, those are the problems between
    them: clusters of the same name, and addresses that several of them use.
    """
    clusters: list[Cluster] = []
    problems: list[LocatedProblem] = []
    for path in paths:
        try:
            clusters.append(load_one(path))
        except SpecError as error:
            problems += error.problems
    documents = [read_yaml(read_text(path), str(path)) for path in paths] if len(clusters) == len(paths) > 1 else []
    problems += _collisions(documents)
    if problems:
        raise SpecError(problems)
    return clusters, tuple(_router_ids(documents, [each.subnet() for each in clusters]))


def _collisions(documents: Sequence[Document]) -> Iterator[LocatedProblem]:
    """The problems between specs, one for each spec, name or address, located in the last spec that has it."""
    by_path: dict[Path, Document] = {}
    for each in documents:
        if by_path.setdefault(Path(each.file).resolve(), each) is not each:
            yield each.locate(Problem((), "this spec is given twice", "give each spec once", shows_value=False))
    for document, loc, others in _shared(by_path.values(), _name):
        places = " and ".join(_place(*each) for each in others)
        reason = f"{places} {'describe' if len(others) > 1 else 'describes'} a cluster of this name, too"
        yield document.locate(
            Problem(loc, reason, "rename one of them: files and machines are named after the cluster")
        )
    for document, loc, others in _shared(by_path.values(), _addresses):
        reason = f"{named(loc)} is also {_in_words(others)}"
        yield document.locate(Problem(loc, reason, "give each cluster addresses of its own"))


def _shared(
    documents: Iterable[Document], values: Callable[[Document], Iterable[tuple[Loc, Hashable]]]
) -> Iterator[tuple[Document, Loc, list[Place]]]:
    """Each value that several documents have: its place in the last of them, and its places in the others."""
    places: dict[Hashable, dict[int, Place]] = {}
    for index, document in enumerate(documents):
        for loc, value in values(document):
            places.setdefault(value, {}).setdefault(index, (document, loc))
    for *others, (document, loc) in (list(each.values()) for each in places.values()):
        if others:
            yield document, loc, others


def _name(document: Document) -> list[tuple[Loc, Hashable]]:
    return [(CLUSTER, document.values[CLUSTER].value)]


def _addresses(document: Document) -> list[tuple[Loc, IpAddress | str]]:
    """The addresses that the cluster's nodes and their cards have, always or while they hold a VIP."""
    own: list[tuple[Loc, IpAddress | str]] = [
        found for pattern in OWN_ADDRESSES for found in addresses(document.data, *pattern)
    ]
    return [*own, *vips(document.data), *hardware_addresses(document.data)]


def _router_ids(documents: Sequence[Document], subnets: Sequence[IPv4Network]) -> Iterator[LocatedProblem]:
    """Warnings about VRRP groups with the same number, which are for clusters in one subnet."""
    widest = [min(filter(subnet.overlaps, subnets), key=lambda each: each.prefixlen) for subnet in subnets]
    where = {document.file: subnet for document, subnet in zip(documents, widest, strict=False)}

    def keys(document: Document) -> Iterator[tuple[Loc, Hashable]]:
        return ((loc, (where[document.file], number)) for loc, number in _numbers(document))

    for document, loc, others in _shared(documents, keys):
        reason = f"{named(loc)} is also {_in_words(others)}, in the same subnet"
        yield document.locate(Problem(loc, reason, "give each VRRP group of a subnet a number of its own"))


def _numbers(document: Document) -> list[tuple[Loc, int]]:
    return [found for pattern in ROUTER_IDS for found in numbers(document.data, *pattern)]


def _in_words(places: Sequence[Place]) -> str:
    return " and ".join(f"{the(loc)} in {_place(document, loc)}" for document, loc in places)


def _place(document: Document, loc: Loc) -> str:
    """The file and the line of a value."""
    return f"{document.file}:{document.values[loc].start_mark.line + 1}"
