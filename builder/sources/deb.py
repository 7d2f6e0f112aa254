"""One file out of a Debian package, on hosts with and without dpkg (deb(5): an ar archive that holds tar archives)."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from builder.errors import UserError

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
