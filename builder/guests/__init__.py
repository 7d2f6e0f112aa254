"""The operating systems inside: one module a guest, found by its name; adding one is adding a file."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Literal, Protocol

from builder.errors import UserError
from builder.layers import Outline
from builder.paths import resources
from builder.progress import warn
from builder.roots.repositories import Epel, Repositories
from builder.sources.pins import Pin
from builder.sources.reach import answers
from builder.spec.features import check_version, refusals
from builder.spec.image import EPEL_GUESTS
from builder.spec.model import Cluster
from builder.spec.profiles import PROFILES

Medium = Literal["disk", "installer", "template"]
"""What a bake starts from: a disk that boots, an installer's medium, or a template that a vCenter has."""


@dataclass(frozen=True)
class Facts:
    """What the rest of the program must know of a guest."""

    name: str
    title: str
    default_keepalived: str
    haproxy_version: str
    """The HAProxy release that its packages have, as far as templates differ by it: `2.6`."""
    overlay: tuple[str, ...]
    """Folders of packer/overlay/, in the order they are laid over each other."""
    provision: tuple[str, ...]
    """Scripts of packer/provision/ (FOLDER/NAME.sh) that the appliance bake runs in the guest, in order."""
    newer_keepalived: str = ""
    """The release for a profile that the default cannot run; empty where the default runs them all."""
    login_shell: str = "/bin/bash"
    sudo_group: str = "sudo"
    options: str = "/etc/default"
    """The folder of the files that hold services' options."""
    network_file: str = ""
    """Where cloud-init puts a node's network, as netplan reads it: there the seed's CD brings it as well, so that the
    node serves before cloud-init has run. Empty for a guest that waits for cloud-init."""
    interface: str = ""
    """What the only network card is called, where the guest makes sure of it; else it is found by its kind."""
    disk_interface: str = "virtio"
    """What its disk hangs on while it is baked, in Packer's words: something by which its kernel gives blocks back."""
    bake_user: str = "root"
    """Who logs in during the bake: a vendor's image lets in an account of its own, which may use sudo."""
    repositories: Repositories | None = None
    """Where packages come from that the bake installs in the guest; None where the foundation has them all."""
    packages: tuple[str, ...] = ()
    """What the bake installs from them."""
    snmp_packages: tuple[str, ...] = ()
    """What it installs besides where the spec wants SNMP."""
    epel: Epel | None = None
    """EPEL for this guest; None where it is not of the RPM family."""
    media: tuple[Medium, ...] = ("disk",)
    """What it can be baked from."""
    kickstart: str = ""
    """The template in packer/http/ that answers its installer's questions."""
    vsphere_type: str = ""
    """What vSphere calls it (VirtualMachineGuestOsIdentifier)."""
    has_selinux: bool = False
    has_tls_1_3: bool = True
    """Whether its OpenSSL (1.1.1 or later) speaks TLS 1.3."""

    def keepalived_for(self, cluster: Cluster) -> str:
        """The spec's version; else the default, or the newer one where the profile needs what the default lacks."""
        lacking = self.newer_keepalived and refusals(PROFILES[cluster.vrrp.profile], self.default_keepalived)
        return cluster.keepalived or (self.newer_keepalived if lacking else self.default_keepalived)


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
    """One guest operating system."""

    facts: Facts
    pins: Mapping[Medium, Pin]
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


def provision_scripts(*folders: str) -> tuple[str, ...]:
    """The scripts of these folders of packer/provision/, as FOLDER/NAME.sh, in the order of their names."""
    scripts = (path for folder in folders for path in resources("packer", "provision", folder).glob("*.sh"))
    return tuple(f"{path.parent.name}/{path.name}" for path in sorted(scripts, key=lambda path: path.name))


PREFERENCE = ("centos7", "debian12")


@cache
def known() -> dict[str, Guest]:
    """Every guest of this package, by name."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    modules = [import_module(f"{__name__}.{name}") for name in names]
    guests = [module.GUEST for module in modules if hasattr(module, "GUEST")]
    return {guest.facts.name: guest for guest in guests}


def choose(cluster: Cluster, *, offline: bool = False) -> Guest:
    """The guest that a spec asks for; `auto` takes the first of PREFERENCE that can be had and can run the spec.

    Raises UserError for a guest that this release does not bake.
    """
    guests = known()
    if cluster.guest == "auto":
        first = (guests[name] for name in PREFERENCE if name in guests)
        return _with_epel(next(guest for guest in first if _can_be_had(guest, cluster, offline=offline)), cluster)
    if cluster.guest not in guests:
        raise UserError(
            f"guest {cluster.guest} cannot be baked by this release",
            hint=f"use one of: {', '.join(sorted(guests))}, or auto",
        )
    guest = _with_that_card(guests[cluster.guest], cluster.network.interface)
    return _with_epel(guest.on(cluster.image.base) if cluster.image.base else guest, cluster)


def settle(cluster: Cluster, facts: Facts) -> str:
    """The keepalived of a bake; says aloud what `auto` and the profile have chosen.

    Raises TooOld where the spec names a version that cannot run its profile.
    """
    version, profile = facts.keepalived_for(cluster), PROFILES[cluster.vrrp.profile]
    check_version(cluster, version)
    if cluster.guest == "auto":
        warn(f"guest: auto takes {facts.title} here")
    if version not in (cluster.keepalived, facts.default_keepalived):
        lacking = "; ".join(refusals(profile, facts.default_keepalived))
        warn(f"keepalived {version} instead of {facts.default_keepalived}, for profile {profile.name} needs {lacking}")
    return version


def instead(cluster: Cluster, guest: str) -> Cluster:
    """The cluster with another guest than its spec says; with none (""), as it is. Raises UserError for no guest."""
    if guest not in ("", "auto", *known()):
        raise UserError(f"there is no guest {guest}", hint=f"use one of: {', '.join(sorted(known()))}, or auto")
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
    """Whether the guest can run the cluster, with base and mirror in reach; the last of PREFERENCE always can."""
    if guest.facts.name == PREFERENCE[-1]:
        return True
    suits = _runs(guest.facts, cluster) and _has_mirror(guest.facts, cluster, offline=offline)
    return suits and guest.reachable(offline=offline)


def _runs(facts: Facts, cluster: Cluster) -> bool:
    """Whether its card and its keepalived can do what the cluster asks."""
    named = facts.interface not in ("", cluster.network.interface) and cluster.network.interface != "auto"
    return not (named or refusals(PROFILES[cluster.vrrp.profile], facts.keepalived_for(cluster)))


def _has_mirror(facts: Facts, cluster: Cluster, *, offline: bool) -> bool:
    """Whether the spec's mirror, if it names one, is one of this guest and not of another."""
    mirror, own = cluster.image.mirror, facts.repositories
    return not (mirror and own) or answers(f"{mirror.rstrip('/')}/{own.key}", offline=offline)
