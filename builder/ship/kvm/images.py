"""Which image each volume of a pool was made from: an image goes with the last volume that was made from it."""

from __future__ import annotations

import re

from builder.ship.kvm.pool import Pool

DISK = re.compile(r".*-([0-9a-f]{12})-[0-9a-f]{8}\.qcow2")
"""A disk's name, with the label of its image."""


def volume(label: str) -> str:
    """An image's volume: named by its digest, so that it is uploaded once a host, whoever needs it."""
    return f"vipforge-{label}.qcow2"


def of_volumes(pool: Pool) -> dict[str, str]:
    """Volume to the image that it was made from, where that is there: by its backing file, or a copy by its name."""
    names = pool.names()
    copied = {name: volume(found[1]) for name in names if (found := DISK.fullmatch(name))}
    return {name: image for name, image in copied.items() if image in names} | pool.bases()
