"""Where a lab's files lie, and the running lab of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from builder import paths
from builder.errors import UserError
from builder.files import locked
from builder.lab import holder
from builder.lab.holder import Holder
from builder.spec.model import Cluster, Node

LOCK_SECONDS = 120
COMPLETE = "complete"
"""A file that is there once every machine has been started; a lab without it was killed while it started."""


@dataclass(frozen=True)
class Lab:
    """A running lab: the cluster's nodes, farm and client on this host."""

    cluster: Cluster
    holder: Holder

    @property
    def folder(self) -> Path:
        """All files of the lab; they go with it."""
        return folder(self.cluster)

    @property
    def complete(self) -> bool:
        """Whether all of it has been started."""
        return (self.folder / COMPLETE).exists()


def folder(cluster: Cluster) -> Path:
    """Where the files of the cluster's lab lie."""
    return paths.state("labs", cluster.cluster)


def node_folder(cluster: Cluster, node: Node) -> Path:
    """Where the files of one node lie: disk, seed, console, monitor."""
    return folder(cluster) / node.name


def find(cluster: Cluster) -> Lab | None:
    """The cluster's lab, if one runs."""
    held = holder.find(folder(cluster))
    return Lab(cluster, held) if held else None


def need(cluster: Cluster) -> Lab:
    """The cluster's lab; raises UserError if none runs."""
    lab = find(cluster)
    if lab is None:
        raise UserError(f"no lab of {cluster.cluster} runs", hint="start it with `vipforge lab up SPEC`")
    return lab


@contextmanager
def changing() -> Iterator[None]:
    """Start or end a lab while nobody else does. Held for seconds: never while nodes boot."""
    with locked(paths.state("labs", ".lock"), "a lab", timeout=LOCK_SECONDS):
        yield
