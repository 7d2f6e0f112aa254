"""Exports of a small disk, written and read by the real qemu-img."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tarfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from builder.core.errors import UserError
from builder.core.run import CommandFailed
from builder.deploy.export import export, ovf_machine
from builder.deploy.ovf import OVF

pytestmark = pytest.mark.real_subprocess
MIB = 1 << 20


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A qcow2 image of 8 MiB that contains some data, and its manifest."""
    raw, made = tmp_path / "disk", tmp_path / "built" / "appliance.qcow2"
    raw.write_bytes(os.urandom(MIB) + bytes(6 * MIB) + b"end" * 1000)
    os.truncate(raw, 8 * MIB)
    made.parent.mkdir()
    qemu_img("convert", "-O", "qcow2", raw, made)
    (made.parent / "manifest.json").write_text(json.dumps({"cluster": "quickstart", "guest": "debian12", "key": "k1"}))
    return made


def qemu_img(*words: str | Path) -> str:
    return subprocess.run(["qemu-img", *map(str, words)], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("form", ["vmdk", "raw", "vhdx"])
def test_a_converted_disk_equals_the_image(image: Path, form: str) -> None:
    made = export(image, form)
    assert made == image.with_suffix(f".{form}")
    assert "Images are identical" in qemu_img("compare", image, made)
    assert sorted(path.name for path in image.parent.iterdir()) == sorted(
        ["appliance.qcow2", made.name, "manifest.json"]
    )


def test_the_vmdk_is_one_that_vcenter_accepts(image: Path) -> None:
    made = export(image, "vmdk")
    assert (
        json.loads(qemu_img("info", "--output=json", made))["format-specific"]["data"]["create-type"]
        == "streamOptimized"
    )
    header = made.read_bytes()[:8]
    assert header[:4] == b"KDMV"
    assert int.from_bytes(header[4:8], "little") == 3, "vCenter rejects older sparse VMDKs"


def test_an_ova_contains_descriptor_manifest_and_disk_in_this_order(image: Path, tmp_path: Path) -> None:
    made = export(image, "ova", tmp_path / "out" / "lb.ova")
    with tarfile.open(made) as tar:
        assert tar.getnames() == ["lb.ovf", "lb.mf", "lb-disk1.vmdk"]
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    subprocess.run(["tar", "-xf", made, "-C", unpacked], check=True)
    for line in (unpacked / "lb.mf").read_text().splitlines():
        name, digest = line.removeprefix("SHA256(").split(")= ")
        assert hashlib.sha256((unpacked / name).read_bytes()).hexdigest() == digest
    assert "Images are identical" in qemu_img("compare", image, unpacked / "lb-disk1.vmdk")


def test_the_descriptor_states_the_sizes_of_the_disk_and_of_its_file(image: Path) -> None:
    with tarfile.open(export(image, "ova")) as tar:
        descriptor, disk = tar.extractfile("appliance.ovf"), tar.getmember("appliance-disk1.vmdk")
        assert descriptor is not None
        root = ET.fromstring(descriptor.read())
    assert root.find(f".//{{{OVF}}}Disk").get(f"{{{OVF}}}capacity") == str(8 * MIB)
    assert root.find(f".//{{{OVF}}}File").get(f"{{{OVF}}}size") == str(disk.size)
    assert root.find(f".//{{{OVF}}}VirtualSystem").get(f"{{{OVF}}}id") == "quickstart"


def test_the_same_image_gives_the_same_descriptor(image: Path, tmp_path: Path) -> None:
    texts = []
    for folder in ("one", "two"):
        with tarfile.open(export(image, "ova", tmp_path / folder / "lb.ova")) as tar:
            texts.append(tar.extractfile("lb.ovf").read())
    assert texts[0] == texts[1]


def test_a_failed_export_keeps_the_previous_one(image: Path) -> None:
    made = export(image, "raw")
    before = made.read_bytes()
    image.write_bytes(b"not a disk")
    with pytest.raises(CommandFailed):
        export(image, "raw")
    assert made.read_bytes() == before


def test_an_image_is_never_overwritten_by_its_export(image: Path) -> None:
    with pytest.raises(UserError, match="is the image itself"):
        export(image, "vmdk", image)
    with pytest.raises(UserError, match="is not an image"):
        export(image.parent / "missing.qcow2", "vmdk")


def test_an_ova_has_the_memory_that_the_image_was_made_for(image: Path) -> None:
    assert ovf_machine(image, image).memory == 1024
    (image.parent / "manifest.json").write_text(json.dumps({"memory_mib": 4096}))
    assert ovf_machine(image, image).memory == 4096
