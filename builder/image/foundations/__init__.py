"""Which guest a spec gets, the foundation it starts from, and the pinned files that this takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Protocol

from builder.core.errors import UserError
from builder.core.progress import warn
from builder.guests import Facts, Medium, all_guests, embedded, in_order_of_preference
from builder.rootfs.layers import Layer
from builder.sources import Pin, own_packer, pin
from builder.sources.fetch import responds
from builder.spec.features import check_version, keepalived_for, refusals
from builder.spec.model import Cluster
from builder.spec.sections import EPEL_GUESTS
from builder.spec.vrrp import PROFILES


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
class FoundationRequest:
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

    def outline(self, cluster: Cluster, version: str, medium: Medium) -> Layer:
        """The layers of the foundation with that keepalived, by their inputs; nothing is made or fetched."""

    def expected(self, cluster: Cluster, medium: Medium, folder: Path) -> Foundation:
        """The foundation as `foundation` will give it, its files as if they were in `folder`; nothing is made."""

    def foundation(self, cluster: Cluster, version: str, wanted: FoundationRequest) -> Foundation:
        """The foundation with that keepalived: from the cache, or made now; with `refresh` made now in any case."""


def guest_of(facts: Facts) -> Guest:
    """The guest with these facts, by its family, which is the name of a module beside this one."""
    made: Guest = import_module(f"{__name__}.{facts.family}").GUEST(facts)
    return made


def choose(cluster: Cluster, *, offline: bool = False) -> Guest:
    """The guest that a spec asks for; `auto` takes the first that can be had and can run the spec.

    Raises UserError where the guest cannot have what the spec asks for.
    """
    if cluster.guest == "auto":
        in_turn = (guest_of(facts) for facts in in_order_of_preference())
        return _with_epel(next(guest for guest in in_turn if _can_be_had(guest, cluster, offline=offline)), cluster)
    guest = _with_that_card(guest_of(all_guests()[cluster.guest]), cluster.network.interface)
    return _with_epel(guest.on(cluster.image.base) if cluster.image.base else guest, cluster)


def select_keepalived(cluster: Cluster, facts: Facts) -> str:
    """The keepalived of a bake; says aloud what `auto` and the profile have chosen.

    Raises TooOld where the spec names a version that cannot run its profile.
    """
    version, profile = keepalived_for(cluster, facts), PROFILES[cluster.vrrp.profile]
    check_version(cluster, version)
    if cluster.guest == "auto":
        warn(f"guest: auto takes {facts.title} here")
    if version not in (cluster.keepalived, facts.default_keepalived):
        lacking = "; ".join(refusals(profile, facts.default_keepalived))
        warn(f"keepalived {version} instead of {facts.default_keepalived}, for profile {profile.name} needs {lacking}")
    return version


def with_guest(cluster: Cluster, guest: str) -> Cluster:
    """The cluster with another guest than its spec says; with none (""), as it is. Raises UserError for no guest."""
    if guest not in ("", "auto", *all_guests()):
        raise UserError(f"there is no guest {guest}", hint=f"use one of: {', '.join(sorted(all_guests()))}, or auto")
    return cluster.model_copy(update={"guest": guest}) if guest else cluster


def _with_that_card(guest: Guest, asked: str) -> Guest:
    """The guest, if its card has the name that the spec says; raises UserError where it never can."""
    name = guest.facts.interface
    if name and asked not in ("auto", name):
        raise UserError(
            f"the only card of {guest.facts.title} is {name}, and the spec names {asked}",
            hint="say interface: auto; the image gives the card that name on every hypervisor",
        )
    return guest


def _with_epel(guest: Guest, cluster: Cluster) -> Guest:
    """The guest, if it can have EPEL where the spec asks for it; `--guest` may name another than the spec does."""
    if cluster.image.epel and guest.facts.epel is None:
        raise UserError(
            f"the spec asks for EPEL, which {guest.facts.title} cannot have",
            hint=f"name one of these as guest: {', '.join(EPEL_GUESTS)}; or remove image: epel",
        )
    return guest


def _can_be_had(guest: Guest, cluster: Cluster, *, offline: bool) -> bool:
    """Whether the guest can run the cluster, with base and mirror in reach; the last one always can."""
    if guest.facts == embedded():
        return True
    suits = _runs(guest.facts, cluster) and _has_mirror(guest.facts, cluster, offline=offline)
    return suits and guest.reachable(offline=offline)


def _runs(facts: Facts, cluster: Cluster) -> bool:
    """Whether its card and its keepalived can do what the cluster asks."""
    named = facts.interface not in ("", cluster.network.interface) and cluster.network.interface != "auto"
    return not (named or refusals(PROFILES[cluster.vrrp.profile], keepalived_for(cluster, facts)))


def _has_mirror(facts: Facts, cluster: Cluster, *, offline: bool) -> bool:
    """Whether the spec's mirror, if it names one, is one of this guest and not of another."""
    mirror, own = cluster.image.mirror, facts.repositories
    return not (mirror and own) or responds(f"{mirror.rstrip('/')}/{own.key}", offline=offline)


def pins_for(cluster: Cluster, *, offline: bool = False) -> Iterator[Pin]:
    """Every pinned file that `vipforge image` wants for the cluster; packages of the guest come from its mirror."""
    guest = choose(cluster, offline=offline)
    yield own_packer()  # wherever the files are carried, there may be no Packer
    yield pin("keepalived", select_keepalived(cluster, guest.facts))
    if cluster.haproxy.source:
        yield pin("haproxy", cluster.haproxy.source)
    if "disk" in guest.pins:
        yield guest.pins["disk"]
