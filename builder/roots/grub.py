"""GRUB on a disk image, without a device: what grub-bios-setup writes on a GPT disk that has a BIOS boot partition.

Two places in GRUB's images hold sector numbers of the disk (GRUB's sources: grub-core/boot/i386/pc/boot.S and
diskboot.S, include/grub/i386/pc/boot.h; filled by util/setup.c):

* boot.img, the disk's first sector: at 0x5c the sector of the core image; at 0x66 a jump that trusts the BIOS's number
  of the drive, which is made a no-operation for hard disks;
* the core image's first sector: at its end the list of the sectors that follow, of which the first is filled here.
"""

from __future__ import annotations

import struct
from pathlib import Path

SECTOR = 512
BOOT_CODE = 440
"""Bytes of the first sector before the partition table's signature."""
CORE_SECTOR = 0x5C
DRIVE_CHECK = 0x66
NO_OPERATIONS = b"\x90\x90"
BLOCK_LIST = SECTOR - 12
"""A 64-bit sector, a 16-bit count, a 16-bit segment."""


def install(disk: Path, boot: bytes, core: bytes, *, start: int, room: int) -> None:
    """Write GRUB to a raw disk whose BIOS boot partition begins at the sector `start` and has `room` bytes.

    `boot` is boot.img, `core` an image of grub-mkimage's for i386-pc. Raises ValueError where it does not fit.
    """
    if len(core) > room:
        raise ValueError(f"the core image has {len(core)} bytes, the BIOS boot partition {room}")
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
