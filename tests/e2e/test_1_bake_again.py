"""Two bakes of the same inputs agree, both in their manifests and in the files on their disks."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from builder.image.attest.signature import record
from builder.rootfs.disk import ROOT_OFFSET
from tests.e2e.conftest import IMAGE_SECONDS, Bake, Session

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def again(image: Path, bake_apart: Bake) -> Path:
    """A second image, from a bake that has finished."""
    assert image.is_file()
    second, process = bake_apart
    _, err = process.communicate(timeout=IMAGE_SECONDS)
    assert process.returncode == 0, err
    return second


def digests(image: Path, folder: Path) -> dict[str, str]:
    """Return the digests of the bake's own files, as they are on the image's file system."""
    names = list(record(image)["inputs"]["files_sha256"])
    raw = folder / "disk.raw"
    subprocess.run(["qemu-img", "convert", "-O", "raw", image, raw], check=True)
    commands = "".join(f'dump "/{name}" {folder}/{number}\n' for number, name in enumerate(names))
    subprocess.run(
        ["debugfs", "-f", "/dev/stdin", f"{raw}?offset={ROOT_OFFSET}"], input=commands, text=True, check=True
    )
    raw.unlink()
    return {name: hashlib.sha256((folder / str(number)).read_bytes()).hexdigest() for number, name in enumerate(names)}


def test_diff_finds_no_difference(session: Session, image: Path, again: Path) -> None:
    done = session.run("diff", image, again)
    assert (done.returncode, done.stdout.strip()) == (0, "the same packages, files and versions"), done.stderr
    packages = [json.loads((each.parent / "manifest.json").read_text())["packages"] for each in (image, again)]
    assert packages[0] == packages[1] != {}


def test_both_disks_contain_every_file_of_the_manifest(image: Path, again: Path, tmp_path: Path) -> None:
    expected = record(image)["inputs"]["files_sha256"]
    assert expected
    for each in (image, again):
        folder = tmp_path / each.parent.parent.name
        folder.mkdir()
        assert digests(each, folder) == expected


def test_inspect_accepts_both(session: Session, image: Path, again: Path) -> None:
    for each in (image, again):
        assert session.run("inspect", each).returncode == 0
