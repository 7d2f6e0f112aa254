"""Load a spec: the cluster that the file describes, or every problem in the file with its line."""

from __future__ import annotations

import codecs
from pathlib import Path

from pydantic import ValidationError

from builder.core.errors import LocatedProblem, SpecError
from builder.spec import checks, hints, positions
from builder.spec.capacity import capacity_problems
from builder.spec.checks import services
from builder.spec.model import Cluster
from builder.spec.positions import Document
from builder.spec.problem import Problem
from builder.spec.values import FOLDER

MAX_BYTES = 1 << 20
"""A spec with 8 nodes and 100 services has about 50 000 bytes."""


def load(path: Path) -> Cluster:
    """The cluster that a spec file describes, with its presets expanded into services.

    Raises SpecError with every problem in the file.
    """
    return read_spec(path)[0].expanded()


def read_spec(path: Path) -> tuple[Cluster, Document]:
    """The cluster with its presets as written, and the document that it was read from; raises SpecError."""
    document = positions.read_yaml(read_text(path), str(path))
    cluster, problems = _validate(document.data, path.parent)
    problems.extend(checks.problems(document.data))
    if cluster is not None:
        problems.extend((*services.listener_problems(cluster), *services.service_problems(cluster)))
        problems.extend(capacity_problems(cluster))
    located = {document.locate(problem) for problem in problems if problem.loc not in document.refused}
    located |= set(document.problems)
    if cluster is None or located:
        raise SpecError(list(located))
    return cluster, document


def _validate(data: object, folder: Path) -> tuple[Cluster | None, list[Problem]]:
    try:
        return Cluster.model_validate(data, context={FOLDER: folder.absolute()}), []
    except ValidationError as error:
        errors = [each for each in error.errors(include_url=False) if not hints.is_consequence(each)]
        return None, [hints.problem_of(each) for each in errors]


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
