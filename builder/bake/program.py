"""The Packer that bakes: this host's where it has a usable one, else vipforge's own.

Its own is Debian 12's: under a free licence, with every builder inside, and served by every Debian mirror. It is one
program, which runs on other systems as well; it is a source like keepalived: pinned, cached and carried.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from builder.errors import HostLacks
from builder.host import hashicorp
from builder.host.hashicorp import NoPacker, PackerFacts
from builder.layers import Outline, is_whole, layer
from builder.progress import warn
from builder.roots.mirror import host_address
from builder.sources import deb
from builder.sources.fetch import fetch
from builder.sources.pins import own_packer
from builder.sources.reach import in_reach

OWN = own_packer()
MEMBER = "./usr/bin/packer"
NO_MIRROR = (
    "vipforge sources fetch packer --mirror http://mirror.example.org/debian, or install Packer;"
    " the spec of a Debian guest may name that mirror (image: {mirror: …})"
)
"""Not the mirror of a spec alone: that of an RPM guest serves no Debian packages."""


def program(plugin: str = "qemu", *, offline: bool = False, mirror: str | None = None) -> PackerFacts:
    """A Packer with the builders of a plugin. `mirror` is the spec's, which serves vipforge's own.

    Raises HostLacks where VIPFORGE_PACKER names one that will not do, NotFetched where there is none to be had.
    """
    try:
        return hashicorp.packer(plugin)
    except NoPacker as lacking:
        if lacking.is_named:
            raise
        if lacking.unfit:
            warn(f"{'; '.join(lacking.unfit)}: vipforge's own Packer {OWN.version} is used ({lacking.hint})")
    return own(offline=offline, mirror=mirror)


def own(*, offline: bool = False, mirror: str | None = None) -> PackerFacts:
    """Vipforge's own Packer, from the cache or fetched now."""
    place = layer(OWN.name, _outline().inputs, partial(_unpack, offline, mirror))
    return hashicorp.ask(place / OWN.name)


def is_at_hand() -> bool:
    """Whether vipforge's own Packer needs no connection."""
    return is_whole(_outline().place) or in_reach(OWN, offline=True)


def _outline() -> Outline:
    return Outline(OWN.name, {"source": OWN.digest, "member": MEMBER})


def _unpack(offline: bool, mirror: str | None, folder: Path) -> None:
    debian = mirror or host_address()
    if not debian and not in_reach(OWN, offline=True):
        raise HostLacks("this host has no Packer, and its apt set-up names no Debian mirror", hint=NO_MIRROR)
    package = fetch(OWN, offline=offline, debian=debian)
    deb.extract(package, MEMBER, folder / OWN.name)
    (folder / OWN.name).chmod(0o755)
