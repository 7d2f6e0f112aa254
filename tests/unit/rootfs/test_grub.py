"""GRUB on a disk image: byte for byte what grub-bios-setup would write."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from builder.rootfs.disk import SECTOR, install_grub

START = 2048
BOOT = bytes(range(256)) * 2
CORE = b"\x11" * 512 + b"\x22" * 700


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    made = tmp_path / "disk.raw"
    made.write_bytes(b"\xee" * ((START + 16) * SECTOR))
    return made


def installed(disk: Path) -> bytes:
    install_grub(disk, BOOT, CORE, start=START, room=16 * SECTOR)
    return disk.read_bytes()


def test_the_first_sector_points_to_the_core_image(disk: Path) -> None:
    first = installed(disk)[:SECTOR]
    assert struct.unpack_from("<Q", first, 0x5C) == (START,)
    assert first[0x66:0x68] == b"\x90\x90"
    assert first[:0x5C] == BOOT[:0x5C]
    assert first[0x68:440] == BOOT[0x68:440]


def test_the_partition_table_is_not_changed(disk: Path) -> None:
    before = disk.read_bytes()
    after = installed(disk)
    assert after[440 : START * SECTOR] == before[440 : START * SECTOR]
    assert len(after) == len(before)


def test_the_core_image_points_to_its_remaining_blocks(disk: Path) -> None:
    core = installed(disk)[START * SECTOR :][: len(CORE)]
    assert struct.unpack_from("<Q", core, 500) == (START + 1,)
    assert core[:500] == CORE[:500]
    assert core[508:] == CORE[508:]


def test_a_core_image_that_is_too_large_is_refused(disk: Path) -> None:
    before = disk.read_bytes()
    with pytest.raises(ValueError, match="1212 bytes"):
        install_grub(disk, BOOT, CORE, start=START, room=SECTOR)
    assert disk.read_bytes() == before
