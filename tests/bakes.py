"""Inputs of a bake for templates: every guest with every builder that it can be baked with."""

from __future__ import annotations

from pathlib import Path

from builder.bake import builders
from builder.bake.access import KICKSTART_LABEL, Access
from builder.bake.builders.base import BakeInputs, Builder
from builder.guests import Facts, Foundation, known
from builder.guests.rpm import KEEPALIVED

PAIRS = [(guest.facts, builder) for _, guest in sorted(known().items()) for builder in builders.of(guest.facts)]
NAMES = [f"{facts.name}-{builder.name}" for facts, builder in PAIRS]


def inputs(facts: Facts, builder: Builder, folder: Path = Path("/work"), **changes: object) -> BakeInputs:
    """What the bake of that guest would be given; `folder` is where its files would lie."""
    made = {
        "foundation": foundation(facts, folder),
        "foundation_sha256": "ab" * 32,
        "accelerator": "tcg",
        "payload": folder / "payload.tar",
        "scripts": (folder / "10-overlay.sh", folder / "90-clean.sh"),
        "access": access(facts, builder, folder),
        "output": folder / "out",
        "console": folder / "console.log",
        "cluster": "quickstart",
        "disk_interface": facts.disk_interface,
        "disk_gib": 8,
        "guest_type": facts.vsphere_type,
        "packages": folder / "packages" if facts.repositories else None,
    }
    return BakeInputs(**{**made, **changes})


def foundation(facts: Facts, folder: Path) -> Foundation:
    """A foundation with a kernel for debian12, a vendor's disk or medium for the others."""
    if facts.repositories:
        return Foundation(folder / "base", uploads={KEEPALIVED: folder / "keepalived.tar"})
    return Foundation(folder / "disk.qcow2", folder / "vmlinuz", folder / "initrd.img", "root=LABEL=vipforge-root ro")


def access(facts: Facts, builder: Builder, folder: Path) -> Access:
    """The way in that `builder.bake.access` would make."""
    key = folder / "bake-key"
    if builder.medium == "installer":
        return Access(key, "", (folder / "ks.cfg",), KICKSTART_LABEL)
    if facts.repositories:
        return Access(key, "", (folder / "user-data", folder / "meta-data"), user=facts.bake_user)
    return Access(key, "ro the-key", ())
