"""The Packer program: the one on PATH, or else vipforge's own, from a pinned Debian package."""

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
"""The hint cannot rely on the mirror in a spec: that of an RPM guest serves no Debian packages."""

MAGIC = b"!<arch>\n"
HEADER, NAME, SIZE = 60, slice(0, 16), slice(48, 58)
"""The length of the header of an ar member, and the positions of the member's name and size in it."""
DATA = "data.tar"


def program(plugin: str = "qemu", *, offline: bool = False, mirror: str | None = None) -> PackerFacts:
    """A Packer that has the builders of a plugin. `mirror` is a Debian mirror to fetch vipforge's own Packer from.

    Raises HostLacks if VIPFORGE_PACKER names an unsuitable one, NotFetched if there is none and none can be fetched.
    """
    try:
        return packer.packer(plugin)
    except NoPacker as lacking:
        if lacking.is_named:
            raise
        if lacking.unfit:
            warn(f"{'; '.join(lacking.unfit)}: using vipforge's own Packer {OWN.version} ({lacking.hint})")
    return own(offline=offline, mirror=mirror)


def own(*, offline: bool = False, mirror: str | None = None) -> PackerFacts:
    """Vipforge's own Packer, from the cache or freshly fetched."""
    place = layer(OWN.name, _layer().inputs, partial(_unpack, offline, mirror))
    return packer.query_packer(place / OWN.name)


def is_available_offline() -> bool:
    """Whether vipforge's own Packer can be used without a network connection."""
    return is_whole(_layer().place) or in_reach(OWN, offline=True)


def _layer() -> Layer:
    return Layer(OWN.name, {"source": OWN.digest, "member": MEMBER})


def _unpack(offline: bool, mirror: str | None, folder: Path) -> None:
    debian = mirror or host_address()
    if not debian and not in_reach(OWN, offline=True):
        raise HostLacks("this host has no Packer, and its apt sources name no Debian mirror", hint=NO_MIRROR)
    package = fetch(OWN, offline=offline, debian=debian)
    extract(package, MEMBER, folder / OWN.name)
    (folder / OWN.name).chmod(0o755)


def extract(package: Path, member: str, target: Path) -> None:
    """Write the file `member` (`./usr/bin/…`) of a package to `target`; raises UserError if it is missing."""
    try:
        with package.open("rb") as archive:
            _seek(archive, package)
            with tarfile.open(fileobj=archive, mode="r|*") as data:
                _copy(data, member, target)
    except (tarfile.TarError, KeyError, EOFError) as failure:
        raise UserError(f"{package} contains no {member}: {failure}") from failure


def _seek(archive: IO[bytes], package: Path) -> None:
    """Move to the beginning of the tar archive with the package's files."""
    if archive.read(len(MAGIC)) != MAGIC:
        raise UserError(f"{package} is not a Debian package")
    for name, size in _members(archive):
        if name.startswith(DATA):
            return
        archive.seek(size + size % 2, 1)
    raise UserError(f"{package} is not a Debian package: it has no {DATA}")


def _members(archive: IO[bytes]) -> Iterator[tuple[str, int]]:
    while len(header := archive.read(HEADER)) == HEADER:
        size = header[SIZE].strip()
        if not size.isdigit():
            raise tarfile.ReadError("the size of a member is not a number")
        yield header[NAME].decode("ascii", "replace").strip(" /"), int(size)


def _copy(data: tarfile.TarFile, member: str, target: Path) -> None:
    for each in data:
        content = data.extractfile(each) if each.name == member else None
        if content:
            with target.open("wb") as file:
                shutil.copyfileobj(content, file)
            return
    raise KeyError(member)
