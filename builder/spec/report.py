"""What `vipforge check` prints of a spec: one line for people, or its problems for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from builder.errors import Problem, SpecError
from builder.spec import listeners
from builder.spec.load import read
from builder.spec.model import Cluster


def summary(cluster: Cluster) -> str:
    """One line that shows the reader the cluster that was understood."""
    instances = len(cluster.vrrp.all_instances)
    parts = (
        _count(len(cluster.nodes), "node"),
        _count(len(cluster.vrrp.vips), "VIP") + (f" in {instances} VRRP instances" if instances > 1 else ""),
        _count(len(cluster.services), "service"),
        f"profile {cluster.vrrp.profile}",
        f"guest {cluster.guest}",
    )
    return f"OK: cluster {cluster.cluster}: {', '.join(parts)}"


def inspect(path: Path) -> tuple[Cluster, tuple[Problem, ...]]:
    """The cluster of a spec file, and warnings; raises SpecError with all that is wrong, also with files it names."""
    cluster, document = read(path)
    if not _names_files(cluster):
        return cluster, ()
    from builder.spec.tls_checks import findings  # noqa: PLC0415 - cryptography takes a tenth of the command's time

    found = findings(cluster)
    if found.faults:
        raise SpecError([document.problem(fault) for fault in found.faults])
    return listeners.expand(cluster), tuple(document.problem(fault) for fault in found.warnings)


def problems(path: Path) -> tuple[Problem, ...]:
    """What is wrong with a spec file and the files it names; empty where nothing is."""
    try:
        inspect(path)
    except SpecError as error:
        return error.problems
    return ()


def as_json(found: Sequence[Problem]) -> str:
    """The problems as a JSON list of objects with file, line, column, reason, value and hint."""
    return json.dumps([asdict(problem) for problem in found], indent=2)


def _names_files(cluster: Cluster) -> bool:
    """Whether there are certificates, authorities or a password to look at."""
    reencrypted = any(service.reencrypt for service in cluster.services)
    return bool(cluster.tls.certificates or cluster.statistics or reencrypted)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
