"""From a file to a cluster, or to every fault of the file at once, each with its line."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from builder.errors import SpecError
from builder.spec import checks, hints, listeners, marks, service_checks, text
from builder.spec.faults import Fault
from builder.spec.marks import Document
from builder.spec.model import Cluster
from builder.spec.values import FOLDER


def load(path: Path) -> Cluster:
    """The cluster that a spec file describes, its presets' services among its own.

    Raises SpecError with all that is wrong with it.
    """
    return listeners.expand(read(path)[0])


def read(path: Path) -> tuple[Cluster, Document]:
    """The same with its presets as they are written, and the document that it was read from."""
    document = marks.read(text.read(path), str(path))
    cluster, faults = _validate(document.data, path.parent)
    faults.extend(checks.faults(document.data))
    if cluster is not None:
        faults.extend((*listeners.faults(cluster), *service_checks.faults(cluster)))
    faulty = [document.problem(fault) for fault in faults if fault.loc not in document.refused]
    problems = {*document.problems, *faulty}
    if cluster is None or problems:
        raise SpecError(list(problems))
    return cluster, document


def _validate(data: object, folder: Path) -> tuple[Cluster | None, list[Fault]]:
    try:
        return Cluster.model_validate(data, context={FOLDER: folder.absolute()}), []
    except ValidationError as error:
        errors = [one for one in error.errors(include_url=False) if not hints.is_consequence(one)]
        return None, [hints.fault(one) for one in errors]
