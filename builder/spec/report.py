"""What `vipforge check`, `schema` and `init` give the author of a spec."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic.json_schema import GenerateJsonSchema

from builder.core.errors import LocatedProblem, SpecError, UserError
from builder.spec.load import read_spec
from builder.spec.model import Cluster


def spec_summary(cluster: Cluster) -> str:
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


def inspect(path: Path) -> tuple[Cluster, tuple[LocatedProblem, ...]]:
    """The cluster of a spec file, and warnings; raises SpecError with all that is wrong, also with files it names."""
    cluster, document = read_spec(path)
    if not _names_files(cluster):
        return cluster, ()
    from builder.spec.checks.tls import tls_findings  # noqa: PLC0415 - cryptography takes a tenth of the command's time

    found = tls_findings(cluster)
    if found.faults:
        raise SpecError([document.problem(fault) for fault in found.faults])
    return cluster.expanded(), tuple(document.problem(fault) for fault in found.warnings)


def problems(path: Path) -> tuple[LocatedProblem, ...]:
    """What is wrong with a spec file and the files it names; empty where nothing is."""
    try:
        inspect(path)
    except SpecError as error:
        return error.problems
    return ()


def as_json(found: Sequence[LocatedProblem]) -> str:
    """The problems as a JSON list of objects with file, line, column, reason, value and hint."""
    return json.dumps([asdict(problem) for problem in found], indent=2)


def _names_files(cluster: Cluster) -> bool:
    """Whether there are certificates, authorities or a password to look at."""
    reencrypted = any(service.reencrypt for service in cluster.services)
    return bool(cluster.tls.certificates or cluster.statistics or reencrypted)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Untitled(GenerateJsonSchema):
    """pydantic's generator, without a title that says each key again."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - pydantic's signature
        """No."""
        return False


def schema() -> str:
    """The schema as JSON text, made from the model; its descriptions are those of the model's fields."""
    described = Cluster.model_json_schema(schema_generator=Untitled)
    return json.dumps({"$schema": DIALECT, **described, "title": "A cluster of vipforge"}, indent=2) + "\n"


STARTER = Path(__file__).with_name("starter.yml")


def write_starter(path: Path) -> None:
    """Put the starter at `path`; raises UserError where there is anything already."""
    from builder.core.files import write_atomic  # noqa: PLC0415 - its locks take a tenth of `check`'s time

    if os.path.lexists(path):
        raise UserError(f"{path} is there already, and init overwrites nothing", hint="give another path")
    write_atomic(path, STARTER.read_text())
