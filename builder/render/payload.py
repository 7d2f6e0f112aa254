"""The appliance's files as one tar, the same bytes for the same files."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping

from builder.render.overlay import GuestFile

TIME = 1_400_000_000
"""The time of every file, in 2014: tar warns of times near 0 for each of them."""


def payload(files: Mapping[str, GuestFile]) -> bytes:
    """A tar rooted at /, owned by root, all its files of the same time."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, file in sorted(files.items()):
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.mtime = TIME
            entry.mode = file.mode
            content = file.content.encode()
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
