"""What the appliance bake starts from, and who makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from builder.guests import Facts, Medium
from builder.layers import Outline
from builder.sources.pins import Pin
from builder.spec.model import Cluster


@dataclass(frozen=True)
class Foundation:
    """What the appliance bake starts from."""

    disk: Path | None = None
    """A disk, or an installer's medium; None where a vCenter has a template."""
    kernel: Path | None = None
    """With `initrd` and `cmdline`: what QEMU starts directly, while the disk has no boot loader yet."""
    initrd: Path | None = None
    cmdline: str = ""
    disk_sha256: str = ""
    """Where it is known already."""
    packages: dict[str, str] = field(default_factory=dict)
    """Package name to version."""
    grow_to_gib: int = 0
    """The size that the disk is to have, where that is more than it has."""
    uploads: dict[str, Path] = field(default_factory=dict)
    """Files that the bake puts into the guest, by their place there."""


@dataclass(frozen=True)
class Wanted:
    """How a foundation is asked for."""

    medium: Medium = "disk"
    offline: bool = False
    refresh: bool = False


class Guest(Protocol):
    """One guest operating system, as this host makes its foundation."""

    @property
    def facts(self) -> Facts:
        """What is known of it."""

    @property
    def pins(self) -> Mapping[Medium, Pin]:
        """What of a vendor's it can be baked from."""

    def on(self, base: str) -> Guest:
        """The same guest from another of its vendor's disks; raises UserError for one that it has not."""

    def reachable(self, *, offline: bool) -> bool:
        """Whether its base is cached or can be had now; asked by `guest: auto`. Takes 5 s at most."""

    def outline(self, cluster: Cluster, version: str, medium: Medium) -> Outline:
        """The layers of the foundation with that keepalived, by their inputs; nothing is made or fetched."""

    def expected(self, cluster: Cluster, medium: Medium, folder: Path) -> Foundation:
        """The foundation as `foundation` will give it, its files as if they were in `folder`; nothing is made."""

    def foundation(self, cluster: Cluster, version: str, wanted: Wanted) -> Foundation:
        """The foundation with that keepalived: from the cache, or made now; with `refresh` made now in any case."""
