"""NoCloud: the seed as files in a folder, or on a CD with the label `cidata`."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping

from builder.guests import GuestFile
from builder.seed.transports import Seed, Transport, cd_image

FOLDER = Transport(
    name="folder",
    description="a folder with user-data, meta-data and network-config, for other tools",
    carries_secrets=True,
    suffix="",
    files=Seed.files,
)


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


ISO = Transport(
    name="iso",
    description="a CD for cloud-init's data source NoCloud",
    carries_secrets=True,
    suffix=".iso",
    files=image,
    image=image,
)

TRANSPORTS = (FOLDER, ISO)
