"""Load a spec: the cluster that the file describes, or every problem in the file with its line."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from builder.core.errors import LocatedProblem, SpecError
from builder.spec import checks, hints, positions
from builder.spec.capacity import capacity_problems
from builder.spec.checks import effects, health, services
from builder.spec.model import Cluster
from builder.spec.partial import partial_cluster
from builder.spec.positions import Document
from builder.spec.problem import Loc, Problem, decidable, given
from builder.spec.values import FOLDER

Check = Callable[[Cluster], Iterable[Problem]]
"""The check of a cluster, which may be a partial one (`builder.spec.partial`)."""

MAX_BYTES = 1 << 20
"""A spec with 8 nodes and 100 services has about 50 000 bytes."""


def load(path: Path) -> Cluster:
    """The cluster that a spec file describes, with its presets expanded into services.

    Raises SpecError with every problem in the file.
    """
    return read_spec(path)[0].expanded()


def read_spec(path: Path, *further: Check) -> tuple[Cluster, Document]:
    """The cluster with its presets as written, and the document that it was read from.

    Raises SpecError with every problem, also those that `further` checks find.
    """
    document = positions.read_yaml(read_text(path), str(path))
    data, context = document.data, {FOLDER: path.parent.absolute()}
    valid, errors = _validate(data, context)
    meant = [
        place for each in errors if each["type"] == "extra_forbidden" and (place := hints.place_meant(each["loc"]))
    ]
    problems = [*map(hints.problem_of, errors), *checks.problems(data)]
    refused = document.refused.union(meant, (each.loc for each in problems))
    cluster = valid if valid and not refused else partial_cluster(data, refused, context)
    for check in (
        services.listener_problems,
        services.service_problems,
        health.health_problems,
        effects.effect_problems,
        capacity_problems,
        *further,
    ):
        problems.extend(decidable(check(cluster)))
    told = [each for each in problems if each.loc not in document.refused and not _misspelt(data, each.loc, meant)]
    located = {document.locate(problem) for problem in told} | set(document.problems)
    if located:
        raise SpecError(list(located))
    return cluster, document


def _validate(data: object, context: dict[str, Path]) -> tuple[Cluster | None, list[ErrorDetails]]:
    """The cluster, or the errors for which there is none."""
    try:
        return Cluster.model_validate(data, context=context), []
    except ValidationError as error:
        return None, [each for each in error.errors(include_url=False) if not hints.is_consequence(each)]


def _misspelt(data: object, loc: Loc, meant: list[Loc]) -> bool:
    """Whether a problem is that a key is missing which is there in another spelling."""
    return loc in meant and not given(data, *loc)


def read_text(path: Path) -> str:
    """The text of a spec file; raises SpecError if it is missing, unreadable, too large or not UTF-8."""
    data = _bytes(path).removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise SpecError(
            [
                LocatedProblem(
                    str(path),
                    line,
                    column,
                    "the text is not UTF-8",
                    f"the byte 0x{data[error.start]:02x}",
                    "save the file as UTF-8",
                )
            ]
        ) from None


def _bytes(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            what = "a folder" if path.is_dir() else "not a regular file"
            raise _refusal(path, f"this is {what}, but a spec is a YAML file", "give the path of the file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _refusal(path, "there is no such file", f"vipforge init {path} writes a spec to start from") from None
    except PermissionError:
        raise _refusal(path, "permission denied", "check its owner and mode with ls -l") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _refusal(path, f"the file cannot be read: {reason}") from None
    if len(data) > MAX_BYTES:
        raise _refusal(path, f"the file is larger than {MAX_BYTES >> 20} MiB", "a spec is a few kilobytes of YAML")
    return data


def _refusal(path: Path, reason: str, hint: str = "") -> SpecError:
    return SpecError([LocatedProblem(str(path), 1, 1, reason, hint=hint)])
