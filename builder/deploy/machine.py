"""What a deployment starts from: a baked image, and the files that adapt another cluster's image."""

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
from builder.spec.keepalived_features import keepalived_for
from builder.spec.model import Cluster

LABEL_LENGTH = 12
"""How many digits of its digest name an image on a hypervisor."""
SEEDABLE = (
    "/etc/firewalld/zones/",
    "/etc/haproxy/",
    "/etc/resolv.conf",
    "/usr/share/vipforge/",
)
"""Files that depend on the spec and are first read after cloud-init has written the seed's files."""
NO_FILES: Mapping[str, GuestFile] = MappingProxyType({})


@dataclass(frozen=True)
class BakedImage:
    """A baked image; `label` identifies it. `size` (the file) and `virtual_size` (the guest's disk) are in bytes."""

    path: Path
    facts: Facts
    size: int
    virtual_size: int
    label: str
    cluster: str = ""
    """The cluster that it was baked for; empty if its manifest does not say."""
    keepalived: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    """The SHA-256 of each file that the bake wrote, by path in the guest."""


def baked_image(cluster: Cluster, image: Path | None = None) -> BakedImage:
    """Return the cluster's own image, or `image`, whose manifest must be beside it.

    Raises InvalidOption if `image` does not exist, and UserError if the cluster has no image, or if the image does not
    match its manifest.
    """
    if image:
        manifest.require_image(image)
    path = image or paths.build_folder(cluster.cluster) / manifest.IMAGE
    record = manifest.read(path.parent)
    if not path.is_file():
        raise UserError(f"{cluster.cluster} has no image: {path} is missing", hint="run `vipforge image SPEC`")
    if record is None:
        raise UserError(
            f"there is no {manifest.NAME} beside {path}", hint="copy the whole folder that the image was baked in"
        )
    if path.stat().st_size != record["size"]:
        raise UserError(
            f"{path} was changed after it was baked", hint="`vipforge inspect` shows the details; bake the image again"
        )
    inputs = record.get("inputs", {})
    return BakedImage(
        path,
        all_guests()[record["guest"]],
        record["size"],
        record["virtual_size"],
        record["sha256"][:LABEL_LENGTH],
        record.get("cluster", ""),
        record.get("versions", {}).get("keepalived", ""),
        {f"/{name}": digest for name, digest in inputs.get("files_sha256", {}).items()},
    )


def seeded_files(cluster: Cluster, image: BakedImage) -> Mapping[str, GuestFile]:
    """Return the cluster's files that differ from the image's, by path in the guest; none for the cluster's own image.

    Raises UserError if the image differs in something that a seed cannot change: the profile, keepalived, or the
    version of vipforge.
    """
    if image.cluster in ("", cluster.cluster):
        return NO_FILES
    rendered = appliance(cluster, image.facts, image.keepalived)
    digests = {path: hashlib.sha256(file.content.encode()).hexdigest() for path, file in rendered.items()}
    differing = {path for path in {*digests, *image.files} if digests.get(path) != image.files.get(path)}
    fixed = sorted(path for path in differing if not path.startswith(SEEDABLE))
    if fixed or image.keepalived != (cluster.keepalived or keepalived_for(cluster, image.facts)):
        raise UserError(
            f"{image.path} was baked for {image.cluster} and does not fit {cluster.cluster}: "
            f"they differ in {', '.join(fixed) or 'the version of keepalived'}",
            hint=f"bake an image for {cluster.cluster}; clusters that share an image have the same profile, "
            "keepalived and kinds of VIPs",
        )
    return {path: rendered[path] for path in sorted(differing) if path in rendered}
