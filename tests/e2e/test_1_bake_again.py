"""Two bakes of the same inputs agree, by their papers and by what really lies on their disks."""

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
    """A second image, from a bake that has come to its end."""
    assert image.is_file()
    made, process = bake_apart
    _, err = process.communicate(timeout=IMAGE_SECONDS)
    assert process.returncode == 0, err
    return made


def digests(image: Path, folder: Path) -> dict[str, str]:
    """The digests of the files that we put in, as they lie on the image's file system."""
    names = list(record(image)["inputs"]["files_sha256"])
    raw = folder / "disk.raw"
    subprocess.run(["qemu-img", "convert", "-O", "raw", image, raw], check=True)
    wanted = "".join(f'dump "/{name}" {folder}/{number}\n' for number, name in enumerate(names))
    subprocess.run(["debugfs", "-f", "/dev/stdin", f"{raw}?offset={ROOT_OFFSET}"], input=wanted, text=True, check=True)
    raw.unlink()
    return {name: hashlib.sha256((folder / str(number)).read_bytes()).hexdigest() for number, name in enumerate(names)}


def test_their_papers_say_the_same(session: Session, image: Path, again: Path) -> None:
    told = session.run("diff", image, again)
    assert (told.returncode, told.stdout.strip()) == (0, "the same packages, files and versions"), told.stderr
    packages = [json.loads((each.parent / "manifest.json").read_text())["packages"] for each in (image, again)]
    assert packages[0] == packages[1] != {}


def test_every_file_that_we_put_in_lies_in_both_as_the_manifest_says(image: Path, again: Path, tmp_path: Path) -> None:
    told = record(image)["inputs"]["files_sha256"]
    assert told
    for each in (image, again):
        folder = tmp_path / each.parent.parent.name
        folder.mkdir()
        assert digests(each, folder) == told


def test_both_have_good_papers(session: Session, image: Path, again: Path) -> None:
    for each in (image, again):
        assert session.run("inspect", each).returncode == 0
