"""The results of `vipforge check` and `schema`: summary and problems, and the JSON schema."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from builder.core.errors import LocatedProblem, SpecError
from builder.spec.checks.health import name_warnings
from builder.spec.load import Check, read_spec
from builder.spec.model import Cluster
from builder.spec.problem import Problem, UnreadableError
from builder.spec.together import load_together

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FORMATS = frozenset({"ipv4", "ipv6", "email", "hostname", "uri"})
"""Formats of JSON Schema (2020-12, validation, section 7.3) that values in a spec can have."""


def spec_summary(cluster: Cluster) -> str:
    """One line that sums up the cluster that the spec describes."""
    instances = len(cluster.vrrp.all_instances)
    parts = (
        _count(len(cluster.nodes), "node"),
        _count(len(cluster.vrrp.vips), "VIP") + (f" in {instances} VRRP instances" if instances > 1 else ""),
        _count(len(cluster.services), "service"),
        f"profile {cluster.vrrp.profile}",
        f"guest {cluster.guest}",
    )
    return f"OK: cluster {cluster.cluster}: {', '.join(parts)}"


def inspect(paths: Sequence[Path], *checks: Check) -> tuple[list[Cluster], tuple[LocatedProblem, ...]]:
    """The clusters of spec files, and warnings; raises SpecError with every problem, also of the files they name.

    `checks` are those of other packages, which `spec` cannot import.
    """
    own: list[LocatedProblem] = []

    def inspect_one(path: Path) -> Cluster:
        cluster, warnings = _inspect(path, checks)
        own.extend(warnings)
        return cluster

    clusters, between = load_together(paths, inspect_one)
    return clusters, (*own, *between)


def _inspect(path: Path, checks: Sequence[Check]) -> tuple[Cluster, tuple[LocatedProblem, ...]]:
    warnings: list[Problem] = []

    def of_files(cluster: Cluster) -> list[Problem]:
        problems, soon = _of_files(cluster)
        warnings.extend(soon)
        return problems

    cluster, document = read_spec(path, of_files, *checks)
    warnings += (*_no_login(cluster), *name_warnings(cluster))
    return cluster.expanded(), tuple(document.locate(warning) for warning in warnings)


def _no_login(cluster: Cluster) -> list[Problem]:
    """A warning if nobody will be able to log in to the nodes; the lab adds a key of its own."""
    if cluster.operator.ssh_keys:
        return []
    reason = (
        "nobody can log in to the nodes outside the lab, so verify, push and upgrade will fail: there is no SSH key"
    )
    return [Problem(("operator", "ssh_keys"), reason, "add operator: {ssh_keys: [...]} with a public key")]


def _of_files(cluster: Cluster) -> tuple[list[Problem], list[Problem]]:
    """The problems of the files that the spec names, and warnings."""
    if not _names_files(cluster):
        return [], []
    from builder.spec.checks.tls import tls_findings  # noqa: PLC0415 - importing cryptography takes a tenth of the command's time

    findings = tls_findings(cluster)
    return list(findings.problems), list(findings.warnings)


def problems(paths: Sequence[Path], *checks: Check) -> tuple[LocatedProblem, ...]:
    """The problems of spec files and of the files that they name; `checks` as in `inspect`."""
    try:
        inspect(paths, *checks)
    except SpecError as error:
        return error.problems
    return ()


def problems_json(found: Sequence[LocatedProblem]) -> str:
    """The problems as a JSON list of objects with file, line, column, reason, value and hint."""
    return json.dumps([asdict(problem) for problem in found], indent=2)


def _names_files(cluster: Cluster) -> bool:
    """Whether the spec names certificates, authorities or a password file, or may do so where it has problems."""
    try:
        reencrypted = any(service.reencrypt for service in cluster.services)
        return bool(cluster.tls.certificates or cluster.statistics or reencrypted)
    except UnreadableError:
        return True


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


class UntitledSchema(GenerateJsonSchema):
    """pydantic's generator, but without titles, which would only repeat the keys."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - pydantic's signature
        """Give no field a title."""
        return False


def schema() -> str:
    """The JSON schema of a spec, generated from the model with the descriptions of its fields."""
    described = _without_unknown_formats(Cluster.model_json_schema(schema_generator=UntitledSchema))
    return json.dumps({"$schema": DIALECT, **described, "title": "A cluster of vipforge"}, indent=2) + "\n"


def _without_unknown_formats(node: Any) -> Any:  # noqa: ANN401 - a part of a JSON document
    """The schema without pydantic's own formats, such as `path`, which ajv's strict mode refuses as unknown."""
    if isinstance(node, list):
        return [_without_unknown_formats(each) for each in node]
    if not isinstance(node, dict):
        return node
    unknown = isinstance(node.get("format"), str) and node["format"] not in FORMATS
    return {key: _without_unknown_formats(value) for key, value in node.items() if not (unknown and key == "format")}
