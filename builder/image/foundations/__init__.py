"""Choose the guest of a spec, and describe or build the foundation from which its bake starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Protocol

from builder.core.errors import HostLacks, InvalidOption, UserError
from builder.core.progress import warn
from builder.guests import Facts, Medium, all_guests, embedded, in_order_of_preference
from builder.image.packages import Packages
from builder.render.haproxy import HaproxyTooOld, haproxy_release
from builder.rootfs.layers import Layer
from builder.sources import Pin, all_pins, own_packer, pin
from builder.sources.fetch import responds
from builder.spec.keepalived_features import check_version, keepalived_for, refusals
from builder.spec.model import Cluster
from builder.spec.problem import Problem
from builder.spec.sections import EPEL_GUESTS
from builder.spec.vrrp import PROFILES


@dataclass(frozen=True)
class Foundation:
    """What the bake of an appliance starts from."""

    disk: Path | None = None
    """A disk, or an installer's medium; None if a vCenter has a template."""
    kernel: Path | None = None
    """With `initrd` and `cmdline`: the kernel that QEMU boots directly while the disk has no boot loader yet."""
    initrd: Path | None = None
    cmdline: str = ""
    disk_sha256: str = ""
    """The digest of the disk; empty if it is not known yet."""
    packages: Packages = field(default_factory=dict)
    """The installed packages, if they are known before the bake."""
    grow_to_gib: int = 0
    """The size to which the disk grows; 0 if it keeps its size."""
    uploads: dict[str, Path] = field(default_factory=dict)
    """Files that the bake uploads to the guest, by their path there."""


@dataclass(frozen=True)
class FoundationRequest:
    """The options for a foundation."""

    medium: Medium = "disk"
    offline: bool = False
    refresh: bool = False


class NoNativeRoot(HostLacks):
    """This host has no root of the guest in which the guest's HAProxy and keepalived could run."""


class Guest(Protocol):
    """One guest operating system, and how this host builds its foundation."""

    @property
    def facts(self) -> Facts:
        """The facts about the guest."""

    @property
    def pins(self) -> Mapping[Medium, Pin]:
        """The vendor's media from which it can be baked."""

    def with_base(self, base: str) -> Guest:
        """The same guest, based on another of its vendor's disks; raises UserError if there is no such disk."""

    def reachable(self, *, offline: bool) -> bool:
        """Whether its base is cached or can be fetched now, for `guest: auto`; takes at most 5 s."""

    def foundation_layer(self, cluster: Cluster, version: str, medium: Medium) -> Layer:
        """The foundation with that keepalived as a layer with its inputs; builds and fetches nothing."""

    def native_root(self, cluster: Cluster, version: str) -> tuple[Path, ...]:
        """The tars that together are a root with the guest's HAProxy and keepalived; builds and fetches nothing.

        Raises NoNativeRoot, which says what is missing.
        """

    def expected_foundation(self, cluster: Cluster, medium: Medium, folder: Path) -> Foundation:
        """The foundation that `foundation` would return, as if its files were in `folder`; builds nothing."""

    def foundation(self, cluster: Cluster, version: str, request: FoundationRequest) -> Foundation:
        """The foundation with that keepalived, from the cache or built now; with `refresh` always built now."""


def guest_of(facts: Facts) -> Guest:
    """The guest with these facts; the module in this package with the name of its family implements it."""
    guest: Guest = import_module(f"{__name__}.{facts.family}").GUEST(facts)
    return guest


def choose(cluster: Cluster, *, offline: bool = False) -> Guest:
    """The guest of a spec; `auto` takes the first one that can be baked here and can run the spec.

    Raises UserError if the guest does not support something in the spec.
    """
    if cluster.guest == "auto":
        candidates = (guest_of(facts) for facts in in_order_of_preference())
        return _with_epel(next(guest for guest in candidates if _is_usable(guest, cluster, offline=offline)), cluster)
    guest = guest_of(all_guests()[cluster.guest])
    return _with_epel(guest.with_base(cluster.image.base) if cluster.image.base else guest, cluster)


def select_keepalived(cluster: Cluster, facts: Facts) -> str:
    """The version of keepalived for a bake; reports the choices made for `guest: auto` and for the profile.

    Raises KeepalivedTooOld if the spec names a version that cannot run its profile.
    """
    version, profile = keepalived_for(cluster, facts), PROFILES[cluster.vrrp.profile]
    check_version(cluster, version)
    if cluster.guest == "auto":
        warn(f"guest: auto takes {facts.title} here")
    if version not in (cluster.keepalived, facts.default_keepalived):
        lacking = "; ".join(refusals(profile, facts.default_keepalived))
        warn(
            f"using keepalived {version} instead of {facts.default_keepalived}: profile {profile.name} needs {lacking}"
        )
    return version


def version_problems(cluster: Cluster) -> Iterator[Problem]:
    """Versions in the spec that are not among the pinned sources; for `vipforge check`, which shows their lines."""
    versions_of_spec = (
        (("keepalived",), "keepalived", cluster.keepalived),
        (("haproxy", "source"), "haproxy", cluster.haproxy.source),
    )
    for loc, name, version in versions_of_spec:
        versions = [each.version for each in all_pins() if each.name == name]
        if version and version not in versions:
            yield Problem(
                loc, f"{name} {version} is not among the pinned sources", f"use one of: {', '.join(versions)}"
            )


def guest_problems(cluster: Cluster) -> Iterator[Problem]:
    """What the guest that the spec names cannot do, for `vipforge check`; `auto` takes a guest that can."""
    if cluster.guest == "auto":
        return
    try:
        guest = choose(cluster)
        check_version(cluster, keepalived_for(cluster, guest.facts))
        haproxy_release(cluster, guest.facts)
    except HaproxyTooOld as error:
        yield Problem(error.loc, error.message, error.hint)
    except UserError as error:
        yield Problem(("guest",), error.message, error.hint)


def with_guest(cluster: Cluster, guest: str) -> Cluster:
    """The cluster with `guest` in place of the spec's; unchanged if it is empty. Raises UserError if it is unknown."""
    if guest not in ("", "auto", *all_guests()):
        raise InvalidOption(f"unknown guest {guest}", hint=f"use one of: {', '.join(sorted(all_guests()))}, or auto")
    return cluster.model_copy(update={"guest": guest}) if guest else cluster


def _with_epel(guest: Guest, cluster: Cluster) -> Guest:
    """The guest; raises UserError if the spec asks for EPEL and the guest, perhaps from `--guest`, has none."""
    if cluster.image.epel and guest.facts.epel is None:
        raise UserError(
            f"the spec asks for EPEL, which {guest.facts.title} does not support",
            hint=f"set guest to one of: {', '.join(EPEL_GUESTS)}; or remove image: epel",
        )
    return guest


def _is_usable(guest: Guest, cluster: Cluster, *, offline: bool) -> bool:
    """Whether the guest can run the cluster and its base and mirror can be reached; true for the last resort."""
    if guest.facts == embedded():
        return True
    is_suitable = _runs(guest.facts, cluster) and _has_mirror(guest.facts, cluster, offline=offline)
    return is_suitable and guest.reachable(offline=offline)


def _runs(facts: Facts, cluster: Cluster) -> bool:
    """Whether the guest's HAProxy and keepalived support what the cluster needs."""
    try:
        haproxy_release(cluster, facts)
    except HaproxyTooOld:
        return False
    return not refusals(PROFILES[cluster.vrrp.profile], keepalived_for(cluster, facts))


def _has_mirror(facts: Facts, cluster: Cluster, *, offline: bool) -> bool:
    """Whether the spec's mirror, if there is one, serves this guest's packages."""
    mirror, own = cluster.image.mirror, facts.repositories
    return not (mirror and own) or responds(f"{mirror.rstrip('/')}/{own.key}", offline=offline)


def pins_for(cluster: Cluster, *, offline: bool = False) -> Iterator[Pin]:
    """Every pinned file that `vipforge image` needs for the cluster; the guest's packages come from its mirror."""
    guest = choose(cluster, offline=offline)
    yield own_packer()  # the host that the files are carried to may have no Packer
    yield pin("keepalived", select_keepalived(cluster, guest.facts))
    if cluster.haproxy.source:
        yield pin("haproxy", cluster.haproxy.source)
    if "disk" in guest.pins:
        yield guest.pins["disk"]
