"""A seed as a NoCloud ISO: label `cidata` (cloud-init's documentation, "NoCloud")."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from builder.files import write_atomic
from builder.identity import iso
from builder.identity.seed import Seed
from builder.render import GuestFile

LABEL = "cidata"
ARCHIVE = "vipforge.tar"
"""Beside cloud-init's texts, for the guest's program `seed`, which needs no Python."""
MODE = 0o600
"""A seed holds the node's secrets."""


def write(seed: Seed, path: Path) -> None:
    """Write the ISO to `path`, readable by its owner only."""
    write_atomic(path, image(seed), mode=MODE)


def image(seed: Seed) -> bytes:
    """The ISO's bytes."""
    direct = {ARCHIVE: archive(seed.direct)} if seed.direct else {}
    return iso.image(LABEL, {**seed.files(), **direct})


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
