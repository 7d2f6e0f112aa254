"""What the suite must know of the running cluster: one JSON file, handed over by `--plan`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from builder.files import write_atomic
from builder.guests import Facts, known
from builder.spec.load import load
from builder.spec.model import Cluster, Node


@dataclass(frozen=True)
class Plan:
    """One run of the suite. `packages` are those of the image's manifest, by name; empty without a manifest."""

    spec: str
    guest: str
    keepalived: str
    nodes: tuple[str, ...]
    ssh_config: str
    packages: dict[str, str]

    @cached_property
    def cluster(self) -> Cluster:
        """The cluster of the spec."""
        return load(Path(self.spec))

    @cached_property
    def facts(self) -> Facts:
        """The facts of the nodes' operating system."""
        return known()[self.guest]

    @property
    def chosen(self) -> tuple[Node, ...]:
        """The nodes that are checked."""
        return tuple(node for node in self.cluster.nodes if node.name in self.nodes)

    @property
    def is_whole(self) -> bool:
        """Whether every node of the cluster is checked, so that what holds between them can be."""
        return len(self.chosen) == len(self.cluster.nodes)


def write(plan: Plan, path: Path) -> None:
    """Put the plan at `path`."""
    write_atomic(path, json.dumps(asdict(plan), indent=2) + "\n")


def read(path: Path) -> Plan:
    """The plan that `write` put there."""
    fields: dict[str, Any] = json.loads(path.read_text())
    return Plan(**{**fields, "nodes": tuple(fields["nodes"])})
