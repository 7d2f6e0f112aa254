"""The guest's disk: a partition table and a file system at its offset, written without a loop device."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.core.run import CommandFailed
from builder.rootfs import disk


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would run as the owner of the guest's files."""
    commands: list[list[str]] = []
    monkeypatch.setattr(disk, "run_as_guest_root", lambda argv: commands.append([str(word) for word in argv]))
    return commands


def test_a_tar_is_unpacked_with_owners_and_without_devices(as_root: list[list[str]], tmp_path: Path) -> None:
    root = disk.unpack(tmp_path / "root.tar", tmp_path / "root")
    assert root.folder.is_dir()
    assert as_root == [
        ["tar", "-x", "--exclude=./dev/*", "--numeric-owner", "-f", f"{tmp_path}/root.tar", "-C", f"{tmp_path}/root"]
    ]


def test_a_file_is_installed_as_root_and_no_temporary_file_remains(as_root: list[list[str]], tmp_path: Path) -> None:
    disk.Unpacked(tmp_path / "root").write("etc/fstab", disk.FSTAB)
    assert as_root[0][:2] == ["install", "-D"]
    assert as_root[0][-1] == f"{tmp_path}/root/etc/fstab"
    assert list(tmp_path.iterdir()) == []


def test_a_user_maps_ids_to_write_the_guests_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(disk, "need", lambda program, _: program)
    monkeypatch.setattr(disk, "run", lambda argv, **_: commands.append(argv))
    disk.run_as_guest_root(["rm", "-rf", tmp_path])
    assert "--map-auto" in commands[0]
    assert commands[0][-3:] == ["rm", "-rf", str(tmp_path)]


def test_a_disk_that_is_too_small_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(argv: list[str]) -> None:
        raise CommandFailed(argv[:1], 1, ["mke2fs: Could not allocate block in ext2 filesystem"])

    monkeypatch.setattr(disk, "need", lambda program, _: program)
    monkeypatch.setattr(disk, "run", lambda *_, **__: None)
    monkeypatch.setattr(disk, "run_as_guest_root", full)
    with pytest.raises(UserError, match="Could not allocate block") as caught:
        disk.write_disk(disk.Unpacked(tmp_path / "root"), tmp_path / "disk.qcow2", gib=2)
    assert "increase disk_gib" in caught.value.hint


@pytest.mark.real_subprocess
def test_a_real_disk_has_its_partitions_and_files(tmp_path: Path) -> None:
    def output(*words: object) -> str:
        return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=True).stdout

    root = disk.Unpacked(tmp_path / "root")
    root.folder.mkdir()
    root.write("etc/fstab", disk.FSTAB)
    images = root.folder / disk.GRUB_IMAGES
    images.mkdir(parents=True)
    (images / "boot.img").write_bytes(b"\xeb" * 512)
    (images / "core.img").write_bytes(b"GRUB" * 256)
    disk.write_disk(root, tmp_path / "disk.qcow2", gib=1)
    assert not (tmp_path / "disk.raw").exists()
    output("qemu-img", "convert", "-O", "raw", tmp_path / "disk.qcow2", tmp_path / "raw")
    boot, system = json.loads(output("/sbin/sfdisk", "--json", tmp_path / "raw"))["partitiontable"]["partitions"]
    assert (boot["type"], system["type"]) == (disk.BIOS_BOOT, disk.LINUX_ROOT)
    assert system["start"] * disk.SECTOR == disk.ROOT_OFFSET
    raw = (tmp_path / "raw").read_bytes()
    assert (raw[0], raw[510:512]) == (0xEB, b"\x55\xaa")
    assert raw[disk.GRUB_OFFSET :].startswith(b"GRUB")
    inside = f"{tmp_path}/raw?offset={disk.ROOT_OFFSET}"
    assert output("/sbin/debugfs", "-R", "cat /etc/fstab", inside) == disk.FSTAB
    # debugfs and not dumpe2fs, which refuses an offset since e2fsprogs 1.47
    assert f"Filesystem volume name:   {disk.LABEL}" in output("/sbin/debugfs", "-R", "stats -h", inside)
