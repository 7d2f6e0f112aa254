"""A seed as a NoCloud ISO: label `cidata` (cloud-init's documentation, "NoCloud")."""

from __future__ import annotations

from pathlib import Path

from builder.files import write_atomic
from builder.identity import iso
from builder.identity.seed import Seed

LABEL = "cidata"
MODE = 0o600
"""A seed holds the node's secrets."""


def write(seed: Seed, path: Path) -> None:
    """Write the ISO to `path`, readable by its owner only."""
    write_atomic(path, image(seed), mode=MODE)


def image(seed: Seed) -> bytes:
    """The ISO's bytes."""
    return iso.image(LABEL, seed.files())
