"""From a file to a cluster, or to every problem in the file, each with its line."""

from __future__ import annotations

import codecs
from pathlib import Path

from pydantic import ValidationError

from builder.core.errors import LocatedProblem, SpecError
from builder.spec import checks, hints, positions
from builder.spec.checks import services
from builder.spec.model import Cluster
from builder.spec.positions import Document
from builder.spec.problem import Problem
from builder.spec.values import FOLDER


def load(path: Path) -> Cluster:
    """The cluster that a spec file describes, its presets' services among its own.

    Raises SpecError with all that is wrong with it.
    """
    return read_spec(path)[0].expanded()


def read_spec(path: Path) -> tuple[Cluster, Document]:
    """The same with its presets as they are written, and the document that it was read from."""
    document = positions.read_yaml(read_text(path), str(path))
    cluster, faults = _validate(document.data, path.parent)
    faults.extend(checks.problems(document.data))
    if cluster is not None:
        faults.extend((*services.listener_problems(cluster), *services.service_problems(cluster)))
    faulty = [document.problem(fault) for fault in faults if fault.loc not in document.refused]
    problems = {*document.problems, *faulty}
    if cluster is None or problems:
        raise SpecError(list(problems))
    return cluster, document


def _validate(data: object, folder: Path) -> tuple[Cluster | None, list[Problem]]:
    try:
        return Cluster.model_validate(data, context={FOLDER: folder.absolute()}), []
    except ValidationError as error:
        errors = [one for one in error.errors(include_url=False) if not hints.is_consequence(one)]
        return None, [hints.fault(one) for one in errors]


LARGEST = 1 << 20
"""In bytes. A spec of 8 nodes and 100 services has about 50 000."""


def read_text(path: Path) -> str:
    """The text of the file; raises SpecError where there is none that could be a spec."""
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
            what = "a folder" if path.is_dir() else "no regular file"
            raise _refusal(path, f"this is {what}, and a spec is one YAML file", "give the path of the file")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise _refusal(path, "there is no such file", f"vipforge init {path} writes a spec to start from") from None
    except PermissionError:
        raise _refusal(path, "you may not read this file", "see its owner and mode with ls -l") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _refusal(path, f"the file cannot be read: {reason}") from None
    if len(data) > LARGEST:
        raise _refusal(path, f"the file is larger than {LARGEST >> 20} MiB", "a spec is a few kilobytes of YAML")
    return data


def _refusal(path: Path, reason: str, hint: str = "") -> SpecError:
    return SpecError([LocatedProblem(str(path), 1, 1, reason, hint=hint)])
