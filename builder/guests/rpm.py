"""Guests of the RPM family: the vendor's own base, packages from its repositories, keepalived from source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from builder import paths
from builder.errors import UserError
from builder.guests import Facts, Foundation, Medium, Wanted
from builder.layers import Outline
from builder.roots import haproxy, keepalived, packages
from builder.roots.repositories import Repositories, Toolchain
from builder.roots.workshop import RpmWorkshop
from builder.sources.fetch import fetch
from builder.sources.pins import Pin
from builder.sources.reach import in_reach
from builder.spec.features import release
from builder.spec.model import Cluster

KEEPALIVED = "/tmp/keepalived.tar"  # noqa: S108 - in the guest, while it is baked
"""Where the bake's provision steps find the compiled keepalived."""
HAPROXY = "/tmp/haproxy.tar"  # noqa: S108 - as above
"""Where they find HAProxy, if the spec wants it compiled."""
MODERN = (2,)
"""The first keepalived that gcc 4.8 has trouble with (keepalived#2437)."""


def _haproxy(cluster: Cluster, workshop: RpmWorkshop, wanted: Wanted) -> dict[str, Path]:
    if cluster.haproxy.source is None:
        return {}
    return {HAPROXY: haproxy.build(workshop, cluster.haproxy.source, offline=wanted.offline)}


def listed(name: str) -> tuple[str, ...]:
    """The names in a list of packer/packages/."""
    return packages.names(paths.resources("packer", "packages", f"{name}.txt"))


@dataclass(frozen=True)
class RpmGuest:
    """One release of the family. `pins` are its media; `disk_gib` is the size of the vendor's disk.

    `toolchain` compiles keepalived 2, where the release's own compiler is too old for that.
    """

    facts: Facts
    repositories: Repositories
    pins: Mapping[Medium, Pin]
    disk_gib: int
    toolchain: Toolchain | None = None
    bases: Mapping[str, Pin] = field(default_factory=dict)
    """The vendor's disks by their names in a spec (`image.base`), where there are several."""

    def on(self, base: str) -> RpmGuest:
        """The same guest from another disk; raises UserError for one that it has not."""
        if base not in self.bases:
            names = ", ".join(self.bases)
            hint = f"use one of: {names}" if names else "leave out image: base"
            raise UserError(f"{self.facts.title} has no base {base}", hint=hint)
        return replace(self, pins={**self.pins, "disk": self.bases[base]})

    def reachable(self, *, offline: bool) -> bool:
        """Whether the vendor's disk is cached or answers."""
        return in_reach(self.pins["disk"], offline=offline)

    def outline(self, cluster: Cluster, version: str, medium: Medium) -> Outline:
        """The medium and the compiled programs, which the bake uploads."""
        newer = cluster.haproxy.source
        programs = [keepalived.outline(self._workshop_of_keepalived(cluster, version), version, snmp=cluster.snmp)]
        if newer:
            programs.append(haproxy.outline(self._workshop(cluster), newer))
        own = {"medium": self.pins[medium].digest if medium in self.pins else "a vCenter's template"}
        return Outline("foundation", own, tuple(programs), is_kept=False)

    def foundation(self, cluster: Cluster, version: str, wanted: Wanted) -> Foundation:
        """The vendor's medium from the cache, or fetched now, and keepalived, which the bake uploads.

        Raises NotFetched, which names the addresses that were tried, the digest, and where to put the file.
        """
        disk = self._medium(wanted)
        workshop = self._workshop_of_keepalived(cluster, version)
        built = keepalived.build(workshop, version, offline=wanted.offline, snmp=cluster.snmp)
        uploads = {KEEPALIVED: built, **_haproxy(cluster, self._workshop(cluster), wanted)}
        return Foundation(disk, grow_to_gib=self._grow_to(cluster), uploads=uploads)

    def expected(self, cluster: Cluster, medium: Medium, folder: Path) -> Foundation:
        """The same, without its files."""
        places = (KEEPALIVED, HAPROXY) if cluster.haproxy.source else (KEEPALIVED,)
        disk = folder / self.pins[medium].file if medium in self.pins else None
        uploads = {place: folder / Path(place).name for place in places}
        return Foundation(disk, grow_to_gib=self._grow_to(cluster), uploads=uploads)

    def _grow_to(self, cluster: Cluster) -> int:
        return cluster.image.disk_gib if cluster.image.disk_gib > self.disk_gib else 0

    def _workshop(self, cluster: Cluster) -> RpmWorkshop:
        return RpmWorkshop(self.facts.name, self.repositories, cluster.image.mirror)

    def _workshop_of_keepalived(self, cluster: Cluster, version: str) -> RpmWorkshop:
        plain = self._workshop(cluster)
        return replace(plain, toolchain=self.toolchain) if release(version) >= MODERN else plain

    def _medium(self, wanted: Wanted) -> Path | None:
        if wanted.medium not in self.facts.media:
            raise UserError(f"{self.facts.title} is not baked from a medium of the kind {wanted.medium}")
        if wanted.medium == "template":
            return None
        return fetch(self.pins[wanted.medium], offline=wanted.offline, debian=None)
