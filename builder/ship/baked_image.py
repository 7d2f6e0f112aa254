"""The baked image that a deployment starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from builder import paths
from builder.bake import image, manifest
from builder.errors import UserError
from builder.guests import Facts, known
from builder.spec.model import Cluster

NAMED_BY = 12
"""Digits of its digest that an image is named by on a hypervisor."""


@dataclass(frozen=True)
class BakedImage:
    """An image; `label` tells it from others. `size` is the file's, `virtual_size` the guest's disk, both bytes."""

    path: Path
    facts: Facts
    size: int
    virtual_size: int
    label: str
    cluster: str = ""
    """The cluster that it was baked for, as far as its manifest says so."""
    keepalived: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    """The SHA-256 of each file that the bake laid into it, by path in the guest."""


def baked_image(cluster: Cluster, other: Path | None = None) -> BakedImage:
    """The cluster's image, or another one that lies beside its own manifest.

    Raises UserError where it is not baked yet, or not as its manifest says.
    """
    path = other or paths.build(cluster.cluster) / image.NAME
    record = manifest.read(path.parent)
    if not path.is_file():
        hint = "name an image file" if other else "run `vipforge image SPEC`"
        raise UserError(f"{cluster.cluster} has no image: {path} is missing", hint=hint)
    if record is None:
        raise UserError(
            f"{path} has no {manifest.NAME} beside it", hint="copy it with the folder that it was baked in"
        )
    if path.stat().st_size != record["size"]:
        raise UserError(f"{path} is not as it was baked", hint="`vipforge inspect` tells more; bake it again")
    inputs = record.get("inputs", {})
    return BakedImage(
        path,
        known()[record["guest"]],
        record["size"],
        record["virtual_size"],
        record["sha256"][:NAMED_BY],
        record.get("cluster", ""),
        record.get("versions", {}).get("keepalived", ""),
        {f"/{name}": digest for name, digest in inputs.get("files_sha256", {}).items()},
    )
