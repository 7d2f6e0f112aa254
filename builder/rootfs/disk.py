"""A bootable disk made from a root: partitions, a file system, and GRUB."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.core.errors import UserError
from builder.core.files import write_atomic
from builder.core.run import contain, need, run

LABEL = "vipforge-root"
MIB = 1 << 20
GIB = 1 << 30
SECTOR = 512
GRUB_OFFSET = MIB
ROOT_OFFSET = 2 * MIB
TAIL = MIB
"""Space at the end for the backup GPT."""

BIOS_BOOT = "21686148-6449-6E6F-744E-656564454649"
LINUX_ROOT = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
SECONDS = 15 * 60
GRUB_IMAGES = "boot/grub/i386-pc"
"""The folder in the root that contains boot.img and core.img."""

BOOT_CODE = 440
"""The number of bytes of boot code in the first sector, before the disk signature and the partition table."""
CORE_SECTOR = 0x5C
"""Offset in boot.img of the sector number of core.img."""
DRIVE_CHECK = 0x66
"""Offset in boot.img of a jump past the workaround for BIOSes that pass a wrong boot drive.

For hard disks, grub-bios-setup enables the workaround by overwriting the jump with no-operations.
"""
NO_OPERATIONS = b"\x90\x90"
BLOCK_LIST = SECTOR - 12
"""Offset in core.img of the list of its remaining blocks: a 64-bit sector, a 16-bit count, a 16-bit segment."""

FSTAB = f"LABEL={LABEL} / ext4 errors=remount-ro 0 1\n"


@dataclass(frozen=True)
class Unpacked:
    """A root unpacked in a folder; its files belong to the guest's users."""

    folder: Path

    def put(self, tar: Path) -> None:
        """Unpack a tar over the root."""
        run_as_guest_root(["tar", "-x", "--exclude=./dev/*", "--numeric-owner", "-f", tar, "-C", self.folder])

    def write(self, path: str, content: str) -> None:
        """Write a text file, owned by root, into the root."""
        temporary = self.folder.with_name("aside")
        write_atomic(temporary, content)
        run_as_guest_root(["install", "-D", "-m", "0644", "-o", "0", "-g", "0", temporary, self.folder / path])
        temporary.unlink()

    def remove(self) -> None:
        """Remove the root; only the user who unpacked it can."""
        run_as_guest_root(["rm", "-rf", self.folder])


def unpack(tar: Path, folder: Path) -> Unpacked:
    """Unpack the tar of a root, preserving owners."""
    folder.mkdir()
    root = Unpacked(folder)
    root.put(tar)
    return root


def write_disk(root: Unpacked, target: Path, *, gib: int) -> None:
    """Write the root to `target`, a qcow2 of `gib` GiB."""
    raw = target.with_suffix(".raw")
    with raw.open("wb") as file:
        file.truncate(gib * GIB)
    _partition(raw)
    _fill(root, raw, (gib * GIB - ROOT_OFFSET - TAIL) // 1024)
    _make_bootable(root, raw)
    run(contain([need("qemu-img", "qemu-utils"), "convert", "-O", "qcow2", raw, target]), timeout=SECONDS)
    raw.unlink()


def run_as_guest_root(argv: Sequence[str | os.PathLike[str]]) -> None:
    """Run a command as the owner of the guest's files."""
    run(as_guest_root(argv), timeout=SECONDS, hint="check that the disk is not full")


def as_guest_root(argv: Sequence[str | os.PathLike[str]]) -> list[str]:
    """The command, wrapped to run as the owner of the guest's files: root, or root in a mapped user namespace."""
    if os.geteuid() == 0:
        return contain(argv)
    need("newuidmap", "uidmap")
    mapped = ["unshare", "--user", "--map-auto", "--map-root-user", "--setuid", "0", "--setgid", "0", "--"]
    return ["setpriv", "--pdeathsig", "KILL", "--", *mapped, *(os.fspath(word) for word in argv)]


def _partition(raw: Path) -> None:
    start, end = ROOT_OFFSET // SECTOR, (raw.stat().st_size - TAIL) // SECTOR
    boot = f"start={GRUB_OFFSET // SECTOR},size={start - GRUB_OFFSET // SECTOR},type={BIOS_BOOT}"
    root = f"start={start},size={end - start},type={LINUX_ROOT}"
    run([need("sfdisk", "fdisk"), "--quiet", raw], timeout=60, stdin=f"label: gpt\n{boot}\n{root}\n")


def _make_bootable(root: Unpacked, raw: Path) -> None:
    boot, core = ((root.folder / GRUB_IMAGES / name).read_bytes() for name in ("boot.img", "core.img"))
    install_grub(raw, boot, core, start=GRUB_OFFSET // SECTOR, room=ROOT_OFFSET - GRUB_OFFSET)


def _fill(root: Unpacked, raw: Path, kib: int) -> None:
    program = need("mke2fs", "e2fsprogs")
    extended = f"offset={ROOT_OFFSET},nodiscard"
    options = ["-q", "-t", "ext4", "-L", LABEL, "-m", "1", "-E", extended, "-d", str(root.folder)]
    try:
        run_as_guest_root([program, *options, raw, f"{kib}k"])
    except UserError as failure:
        raise UserError(
            f"cannot write the root file system:\n{failure}", hint="increase disk_gib in the spec (image: disk_gib)"
        ) from failure


def install_grub(disk: Path, boot: bytes, core: bytes, *, start: int, room: int) -> None:
    """Write GRUB to a raw disk whose BIOS boot partition begins at sector `start` and has `room` bytes.

    `boot` is boot.img, `core` an image from grub-mkimage for i386-pc. Raises ValueError if `core` does not fit.
    """
    if len(core) > room:
        raise ValueError(f"the core image has {len(core)} bytes, but the BIOS boot partition has only {room}")
    with disk.open("r+b") as file:
        file.write(_first_sector(boot, start)[:BOOT_CODE])
        file.seek(start * SECTOR)
        file.write(_core(core, start))


def _first_sector(boot: bytes, start: int) -> bytes:
    code = bytearray(boot)
    struct.pack_into("<Q", code, CORE_SECTOR, start)
    code[DRIVE_CHECK : DRIVE_CHECK + len(NO_OPERATIONS)] = NO_OPERATIONS
    return bytes(code)


def _core(core: bytes, start: int) -> bytes:
    code = bytearray(core)
    struct.pack_into("<Q", code, BLOCK_LIST, start + 1)
    return bytes(code)
