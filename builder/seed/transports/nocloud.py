"""NoCloud: the seed as files in a folder, or on a CD with the label `cidata`."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping

from builder.guests import GuestFile
from builder.seed.transports import Seed, Transport, cd_image

LABEL = "cidata"
ARCHIVE = "vipforge.tar"
"""A second copy of the seed next to cloud-init's texts, for the guest's program `seed`, which needs no Python."""
FOLDER = Transport(
    name="folder",
    description="a folder with user-data, meta-data and network-config, for other tools",
    carries_secrets=True,
    suffix="",
    files=Seed.files,
)


def image(seed: Seed) -> bytes:
    """The image of the CD."""
    direct = {ARCHIVE: archive(seed.direct)} if seed.direct else {}
    return cd_image(LABEL, {**seed.files(), **direct})


def archive(files: Mapping[str, GuestFile]) -> bytes:
    """A tar archive of guest files, all owned by root; the same files always give the same bytes."""
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
