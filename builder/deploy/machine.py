"""What a deployment starts from: a baked image, and each node as a virtual machine with its seed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from builder.core import paths
from builder.core.errors import UserError
from builder.guests import Facts, GuestFile, all_guests
from builder.image import manifest
from builder.render import appliance
from builder.spec.features import keepalived_for
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
    path = other or paths.build_folder(cluster.cluster) / manifest.IMAGE
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
        all_guests()[record["guest"]],
        record["size"],
        record["virtual_size"],
        record["sha256"][:NAMED_BY],
        record.get("cluster", ""),
        record.get("versions", {}).get("keepalived", ""),
        {f"/{name}": digest for name, digest in inputs.get("files_sha256", {}).items()},
    )


SEEDED = (
    "/etc/firewalld/zones/",
    "/etc/haproxy/",
    "/etc/resolv.conf",
    "/usr/share/vipforge/",
)
"""Files that a cluster's spec decides, and that are read only after cloud-init has written its files."""
NOTHING: Mapping[str, GuestFile] = MappingProxyType({})


def seeded_files(cluster: Cluster, image: BakedImage) -> Mapping[str, GuestFile]:
    """The cluster's files that the image has not, by path in the guest; none for the cluster's own image.

    Raises UserError where the image differs in more than a seed can bring: profile, keepalived, another vipforge.
    """
    if image.cluster in ("", cluster.cluster):
        return NOTHING
    rendered = appliance(cluster, image.facts, image.keepalived)
    wanted = {path: hashlib.sha256(file.content.encode()).hexdigest() for path, file in rendered.items()}
    differ = {path for path in {*wanted, *image.files} if wanted.get(path) != image.files.get(path)}
    unfit = sorted(path for path in differ if not path.startswith(SEEDED))
    if unfit or image.keepalived != (cluster.keepalived or keepalived_for(cluster, image.facts)):
        raise UserError(
            f"{image.path} was baked for {image.cluster}, which is another kind of cluster than {cluster.cluster}: "
            f"{', '.join(unfit) or 'its keepalived'} would be others",
            hint="bake an image of its own; clusters of one image have one profile, keepalived and kind of VIPs",
        )
    return {path: rendered[path] for path in sorted(differ) if path in rendered}
