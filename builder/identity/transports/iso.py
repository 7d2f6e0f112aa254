"""A seed as the CD of cloud-init's NoCloud data source, label `cidata` (cloud-init's documentation, "NoCloud")."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping

from builder.identity.seed import Seed
from builder.identity.transports import Transport, cd_image
from builder.render import GuestFile

LABEL = "cidata"
ARCHIVE = "vipforge.tar"
"""Beside cloud-init's texts, for the guest's program `seed`, which needs no Python."""


def image(seed: Seed) -> bytes:
    """The image of the CD."""
    direct = {ARCHIVE: archive(seed.direct)} if seed.direct else {}
    return cd_image(LABEL, {**seed.files(), **direct})


def archive(files: Mapping[str, GuestFile]) -> bytes:
    """A tar of files of the guest, which all belong to root; the same bytes for the same files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, file in files.items():
            content = file.content.encode()
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(content), file.mode
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


TRANSPORT = Transport(
    name="iso",
    description="a CD for cloud-init's data source NoCloud",
    carries_secrets=True,
    suffix=".iso",
    files=image,
    image=image,
)
