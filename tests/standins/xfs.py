"""A bootable disk with an XFS root, like the vendors' disks, written without a mount or a loop device."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from builder.rootfs import disk
from tests.integration.rpm_vendor import run

UUID = "0f1c2d3e-4b5a-4c6d-8e7f-90a1b2c3d4e5"
MIB = 1 << 20
SECTOR = 512
START = MIB
"""The start of the only partition; GRUB is before it."""
OLD = ("-m", f"crc=1,finobt=0,rmapbt=0,reflink=0,bigtime=0,inobtcount=0,uuid={UUID}", "-i", "sparse=0,nrext64=0")
"""Options that leave out what CentOS 7's kernel does not support."""
MODULES = ("biosdisk", "part_msdos", "xfs", "normal", "linux", "serial", "terminal", "test", "echo")


def write(root: Path, target: Path, *, mib: int) -> None:
    """Write the root to `target`, a raw disk of `mib` MiB."""
    system = target.with_suffix(".xfs")
    make(root, system, mib=mib - 1)
    _copy(system, target, mib=mib)
    layout = f"label: dos\nstart={START // SECTOR},type=83,bootable\n"
    table = target.with_suffix(".layout")
    table.write_text(layout)
    run("sh", "-c", f"sfdisk --quiet {target} <{table}")
    core = target.with_suffix(".core")
    run("grub-mkimage", "--format=i386-pc", f"--output={core}", "--prefix=(hd0,msdos1)/boot/grub2", *MODULES)
    boot = Path("/usr/lib/grub/i386-pc/boot.img").read_bytes()
    disk.install_grub(target, boot, core.read_bytes(), start=1, room=START - SECTOR)
    for path in (system, table, core):
        path.unlink()


def _copy(system: Path, target: Path, *, mib: int) -> None:
    """Copy the file system's data to its place on the disk, without the holes."""
    with system.open("rb") as source, target.open("wb") as disk:
        disk.truncate(mib * MIB)
        begin = 0
        while (begin := _data(source.fileno(), begin)) is not None:
            end = os.lseek(source.fileno(), begin, os.SEEK_HOLE)
            source.seek(begin)
            disk.seek(START + begin)
            while begin < end:
                begin += disk.write(source.read(min(MIB, end - begin)))


def _data(descriptor: int, begin: int) -> int | None:
    """Return where the next data begins, or None if only a hole follows."""
    try:
        return os.lseek(descriptor, begin, os.SEEK_DATA)
    except OSError:  # ENXIO
        return None


def make(root: Path, target: Path, *, mib: int) -> None:
    """Make a file system of `mib` MiB with the root's files in it (mkfs.xfs(8), `-p protofile`)."""
    listing = target.with_suffix(".proto")
    listing.write_text("\n".join(["/dev/null", "0 0", "d--755 0 0", *_listed(root), "$", ""]))
    target.unlink(missing_ok=True)
    run("mkfs.xfs", "-q", "-L", "root", *OLD, "-p", listing, "-d", f"file=1,name={target},size={mib}m")
    listing.unlink()


def _listed(folder: Path) -> Iterator[str]:
    for entry in sorted(os.scandir(folder), key=lambda each: each.name):
        facts = entry.stat(follow_symlinks=False)
        owner = f"{facts.st_uid} {facts.st_gid}"
        if entry.is_symlink():
            yield f"{entry.name} l--777 {owner} {os.readlink(entry.path)}"
        elif entry.is_dir():
            yield f"{entry.name} d{_mode(facts.st_mode)} {owner}"
            yield from _listed(Path(entry.path))
            yield "$"
        elif entry.is_file():
            yield f"{entry.name} -{_mode(facts.st_mode)} {owner} {entry.path}"


def _mode(mode: int) -> str:
    user = "u" if mode & stat.S_ISUID else "-"
    group = "g" if mode & stat.S_ISGID else "-"
    return f"{user}{group}{mode & 0o777:03o}"
