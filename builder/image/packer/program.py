"""Packer itself: the one on PATH, or else vipforge's own, unpacked from a pinned Debian package."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

from builder.core.errors import HostLacks, UserError
from builder.core.progress import warn
from builder.host import packer
from builder.host.packer import NoPacker, PackerFacts
from builder.rootfs.layers import Layer, is_whole, layer
from builder.rootfs.mirror import host_address
from builder.sources import own_packer
from builder.sources.fetch import fetch, in_reach

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
        return packer.packer(plugin)
    except NoPacker as lacking:
        if lacking.is_named:
            raise
        if lacking.unfit:
            warn(f"{'; '.join(lacking.unfit)}: vipforge's own Packer {OWN.version} is used ({lacking.hint})")
    return own(offline=offline, mirror=mirror)


def own(*, offline: bool = False, mirror: str | None = None) -> PackerFacts:
    """Vipforge's own Packer, from the cache or fetched now."""
    place = layer(OWN.name, _outline().inputs, partial(_unpack, offline, mirror))
    return packer.query_packer(place / OWN.name)


def is_at_hand() -> bool:
    """Whether vipforge's own Packer needs no connection."""
    return is_whole(_outline().place) or in_reach(OWN, offline=True)


def _outline() -> Layer:
    return Layer(OWN.name, {"source": OWN.digest, "member": MEMBER})


def _unpack(offline: bool, mirror: str | None, folder: Path) -> None:
    debian = mirror or host_address()
    if not debian and not in_reach(OWN, offline=True):
        raise HostLacks("this host has no Packer, and its apt set-up names no Debian mirror", hint=NO_MIRROR)
    package = fetch(OWN, offline=offline, debian=debian)
    extract(package, MEMBER, folder / OWN.name)
    (folder / OWN.name).chmod(0o755)


MAGIC = b"!<arch>\n"
HEADER, NAME, SIZE = 60, slice(0, 16), slice(48, 58)
"""The header of an ar member, and where its name and its size are."""
DATA = "data.tar"


def extract(package: Path, member: str, target: Path) -> None:
    """Write the file `member` (`./usr/bin/…`) of a package to `target`; raises UserError where there is none."""
    try:
        with package.open("rb") as archive:
            _seek(archive, package)
            with tarfile.open(fileobj=archive, mode="r|*") as data:
                _copy(data, member, target)
    except (tarfile.TarError, KeyError, EOFError) as failure:
        raise UserError(f"{package} holds no {member}: {failure}") from failure


def _seek(archive: IO[bytes], package: Path) -> None:
    """Go to where the tar of the package's files begins."""
    if archive.read(len(MAGIC)) != MAGIC:
        raise UserError(f"{package} is no Debian package")
    for name, size in _members(archive):
        if name.startswith(DATA):
            return
        archive.seek(size + size % 2, 1)
    raise UserError(f"{package} is no Debian package: it has no {DATA}")


def _members(archive: IO[bytes]) -> Iterator[tuple[str, int]]:
    while len(header := archive.read(HEADER)) == HEADER:
        size = header[SIZE].strip()
        if not size.isdigit():
            raise tarfile.ReadError("the size of a member is no number")
        yield header[NAME].decode("ascii", "replace").strip(" /"), int(size)


def _copy(data: tarfile.TarFile, member: str, target: Path) -> None:
    for each in data:
        content = data.extractfile(each) if each.name == member else None
        if content:
            with target.open("wb") as file:
                shutil.copyfileobj(content, file)
            return
    raise KeyError(member)
