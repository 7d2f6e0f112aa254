"""Guests of the RPM family: the vendor's own base, packages from its repositories, keepalived from source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from builder.core.errors import UserError
from builder.guests import Facts, Medium
from builder.image.foundations import Foundation, FoundationRequest, NoNativeRoot
from builder.rootfs import compiled
from builder.rootfs.compiled import RpmBuildRoot
from builder.rootfs.layers import Layer
from builder.sources import Pin, pin
from builder.sources.fetch import fetch, in_reach
from builder.spec.model import Cluster
from builder.spec.values import release

KEEPALIVED = "/tmp/keepalived.tar"  # noqa: S108 - in the guest, while it is baked
"""Where the provision steps find the compiled keepalived."""
HAPROXY = "/tmp/haproxy.tar"  # noqa: S108 - as above
"""Where the provision steps find HAProxy, if the spec asks for a compiled one."""
MODERN = (2,)
"""The first keepalived that gcc 4.8 cannot compile in full (keepalived#2437)."""


@dataclass(frozen=True)
class RpmGuest:
    """One release of the family, based on the vendor's cloud image `base` or, if that is empty, on the first one."""

    facts: Facts
    base: str = ""

    @property
    def pins(self) -> Mapping[Medium, Pin]:
        """The vendor's disk and, if there is one, the installer's medium."""
        facts = self.facts
        pins: dict[Medium, Pin] = {"disk": pin(f"{facts.name}-cloud", self.base or facts.bases[0])}
        return {**pins, "installer": pin(f"{facts.name}-minimal", facts.installer)} if facts.installer else pins

    def with_base(self, base: str) -> RpmGuest:
        """The same guest, based on another disk; raises UserError if there is no such disk."""
        choice = self.facts.choice_of_bases
        if base not in choice:
            hint = f"use one of: {', '.join(choice)}" if choice else "leave out image: base"
            raise UserError(f"{self.facts.title} has no base {base}", hint=hint)
        return replace(self, base=base)

    def reachable(self, *, offline: bool) -> bool:
        """Whether the vendor's disk is cached or its server responds."""
        return in_reach(self.pins["disk"], offline=offline)

    def foundation_layer(self, cluster: Cluster, version: str, medium: Medium) -> Layer:
        """The medium and the compiled programs, which the bake uploads."""
        haproxy, build_root = cluster.haproxy.source, self._keepalived_build_root(cluster, version)
        programs = [compiled.keepalived_layer(build_root, version, snmp=cluster.snmp)]
        if haproxy:
            programs.append(compiled.haproxy_layer(self._build_root(cluster), haproxy))
        own = {"medium": self.pins[medium].digest if medium in self.pins else "a vCenter's template"}
        return Layer("foundation", own, tuple(programs), is_kept=False)

    def foundation(self, cluster: Cluster, version: str, request: FoundationRequest) -> Foundation:
        """The vendor's medium, from the cache or fetched now, and the compiled programs, which the bake uploads.

        Raises NotFetched, which lists the URLs that were tried, the digest, and where to put the file.
        """
        disk = self._medium(request)
        build_root = self._keepalived_build_root(cluster, version)
        keepalived = compiled.build_keepalived(build_root, version, offline=request.offline, snmp=cluster.snmp)
        uploads = {KEEPALIVED: keepalived, **self._haproxy(cluster, request)}
        return Foundation(disk, grow_to_gib=self._grow_to(cluster), uploads=uploads)

    def native_root(self, cluster: Cluster, version: str) -> tuple[Path, ...]:  # noqa: ARG002 - there is none for any
        """Raise NoNativeRoot: the packages are installed in the guest while it is baked."""
        raise NoNativeRoot(
            f"HAProxy of {self.facts.title} exists only inside its image",
            hint="`vipforge image` asks it there before it publishes the image, and `vipforge push` asks every node's",
        )

    def expected_foundation(self, cluster: Cluster, medium: Medium, folder: Path) -> Foundation:
        """The foundation with the paths that its files would have in `folder`."""
        places = (KEEPALIVED, HAPROXY) if cluster.haproxy.source else (KEEPALIVED,)
        disk = folder / self.pins[medium].file if medium in self.pins else None
        uploads = {place: folder / Path(place).name for place in places}
        return Foundation(disk, grow_to_gib=self._grow_to(cluster), uploads=uploads)

    def _grow_to(self, cluster: Cluster) -> int:
        return cluster.image.disk_gib if cluster.image.disk_gib > self.facts.base_gib else 0

    def _haproxy(self, cluster: Cluster, request: FoundationRequest) -> dict[str, Path]:
        if cluster.haproxy.source is None:
            return {}
        build_root = self._build_root(cluster)
        return {HAPROXY: compiled.build_haproxy(build_root, cluster.haproxy.source, offline=request.offline)}

    def _build_root(self, cluster: Cluster) -> RpmBuildRoot:
        assert self.facts.repositories  # noqa: S101 - every guest of the family has them (tests/unit/guests)
        return RpmBuildRoot(self.facts.name, self.facts.repositories, cluster.image.mirror)

    def _keepalived_build_root(self, cluster: Cluster, version: str) -> RpmBuildRoot:
        plain = self._build_root(cluster)
        return replace(plain, toolchain=self.facts.toolchain) if release(version) >= MODERN else plain

    def _medium(self, request: FoundationRequest) -> Path | None:
        if request.medium not in self.facts.media:
            raise UserError(f"{self.facts.title} cannot be baked from a medium of type {request.medium}")
        if request.medium == "template":
            return None
        return fetch(self.pins[request.medium], offline=request.offline, debian=None)


GUEST = RpmGuest
