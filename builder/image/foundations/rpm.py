"""Guests of the RPM family: the vendor's own base, packages from its repositories, keepalived from source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from builder.core.errors import UserError
from builder.guests import Facts, Medium
from builder.image.foundations import Foundation, FoundationRequest
from builder.rootfs import compiled
from builder.rootfs.compiled import RpmBuildRoot
from builder.rootfs.layers import Layer
from builder.sources import Pin, pin
from builder.sources.fetch import fetch, in_reach
from builder.spec.features import release
from builder.spec.model import Cluster

KEEPALIVED = "/tmp/keepalived.tar"  # noqa: S108 - in the guest, while it is baked
"""Where the bake's provision steps find the compiled keepalived."""
HAPROXY = "/tmp/haproxy.tar"  # noqa: S108 - as above
"""Where they find HAProxy, if the spec wants it compiled."""
MODERN = (2,)
"""The first keepalived that gcc 4.8 has trouble with (keepalived#2437)."""


def _haproxy(cluster: Cluster, workshop: RpmBuildRoot, wanted: FoundationRequest) -> dict[str, Path]:
    if cluster.haproxy.source is None:
        return {}
    return {HAPROXY: compiled.build_haproxy(workshop, cluster.haproxy.source, offline=wanted.offline)}


@dataclass(frozen=True)
class RpmGuest:
    """One release of the family, from the vendor's cloud image `base` or, where that is empty, the first of them."""

    facts: Facts
    base: str = ""

    @property
    def pins(self) -> Mapping[Medium, Pin]:
        """The vendor's disk and, where there is one, the installer's medium."""
        facts = self.facts
        pins: dict[Medium, Pin] = {"disk": pin(f"{facts.name}-cloud", self.base or facts.bases[0])}
        return {**pins, "installer": pin(f"{facts.name}-minimal", facts.installer)} if facts.installer else pins

    def on(self, base: str) -> RpmGuest:
        """The same guest from another disk; raises UserError for one that it has not."""
        choice = self.facts.choice_of_bases
        if base not in choice:
            hint = f"use one of: {', '.join(choice)}" if choice else "leave out image: base"
            raise UserError(f"{self.facts.title} has no base {base}", hint=hint)
        return replace(self, base=base)

    def reachable(self, *, offline: bool) -> bool:
        """Whether the vendor's disk is cached or answers."""
        return in_reach(self.pins["disk"], offline=offline)

    def outline(self, cluster: Cluster, version: str, medium: Medium) -> Layer:
        """The medium and the compiled programs, which the bake uploads."""
        newer = cluster.haproxy.source
        programs = [
            compiled.keepalived_layer(self._workshop_of_keepalived(cluster, version), version, snmp=cluster.snmp)
        ]
        if newer:
            programs.append(compiled.haproxy_layer(self._workshop(cluster), newer))
        own = {"medium": self.pins[medium].digest if medium in self.pins else "a vCenter's template"}
        return Layer("foundation", own, tuple(programs), is_kept=False)

    def foundation(self, cluster: Cluster, version: str, wanted: FoundationRequest) -> Foundation:
        """The vendor's medium from the cache, or fetched now, and keepalived, which the bake uploads.

        Raises NotFetched, which names the addresses that were tried, the digest, and where to put the file.
        """
        disk = self._medium(wanted)
        workshop = self._workshop_of_keepalived(cluster, version)
        built = compiled.build_keepalived(workshop, version, offline=wanted.offline, snmp=cluster.snmp)
        uploads = {KEEPALIVED: built, **_haproxy(cluster, self._workshop(cluster), wanted)}
        return Foundation(disk, grow_to_gib=self._grow_to(cluster), uploads=uploads)

    def expected(self, cluster: Cluster, medium: Medium, folder: Path) -> Foundation:
        """The same, without its files."""
        places = (KEEPALIVED, HAPROXY) if cluster.haproxy.source else (KEEPALIVED,)
        disk = folder / self.pins[medium].file if medium in self.pins else None
        uploads = {place: folder / Path(place).name for place in places}
        return Foundation(disk, grow_to_gib=self._grow_to(cluster), uploads=uploads)

    def _grow_to(self, cluster: Cluster) -> int:
        return cluster.image.disk_gib if cluster.image.disk_gib > self.facts.base_gib else 0

    def _workshop(self, cluster: Cluster) -> RpmBuildRoot:
        assert self.facts.repositories  # noqa: S101 - every guest of the family has them (tests/unit/guests)
        return RpmBuildRoot(self.facts.name, self.facts.repositories, cluster.image.mirror)

    def _workshop_of_keepalived(self, cluster: Cluster, version: str) -> RpmBuildRoot:
        plain = self._workshop(cluster)
        return replace(plain, toolchain=self.facts.toolchain) if release(version) >= MODERN else plain

    def _medium(self, wanted: FoundationRequest) -> Path | None:
        if wanted.medium not in self.facts.media:
            raise UserError(f"{self.facts.title} is not baked from a medium of the kind {wanted.medium}")
        if wanted.medium == "template":
            return None
        return fetch(self.pins[wanted.medium], offline=wanted.offline, debian=None)


GUEST = RpmGuest
