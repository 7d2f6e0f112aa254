"""The bake as operators run it: interrupted, killed, twice at once, and repeated."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from tests.e2e.conftest import Session, wait_until

pytestmark = pytest.mark.e2e

FOUNDATION_SECONDS = 25 * 60


def bake_until_the_guest_runs(session: Session) -> subprocess.Popen[str]:
    """Start a bake, and return when its guest is running."""
    bake = session.start("image", session.spec)
    limit = threading.Timer(FOUNDATION_SECONDS, bake.kill)
    limit.start()
    output = []
    for line in bake.stderr or ():
        output.append(line)
        if "waiting for the guest's SSH" in line:
            break
    limit.cancel()
    assert bake.poll() is None, "".join(output)
    wait_until(lambda: any("qemu-system" in line for line in session.processes()), "QEMU to run")
    return bake


def published(session: Session) -> list[str]:
    return sorted(path.name for path in (session.build / "quickstart").glob("[!.]*") if path.is_file())


def test_a_killed_bake_publishes_nothing_and_leaves_no_process(session: Session) -> None:
    bake = bake_until_the_guest_runs(session)
    bake.kill()
    bake.communicate(timeout=30)
    wait_until(lambda: session.processes() == [], "every process of the bake to end", seconds=15)
    assert published(session) == []


def test_an_interrupted_bake_cleans_up_and_says_so(session: Session) -> None:
    bake = bake_until_the_guest_runs(session)
    bake.send_signal(signal.SIGINT)
    _, err = bake.communicate(timeout=60)
    assert bake.returncode == 130
    assert "Traceback" not in err
    wait_until(lambda: session.processes() == [], "every process of the bake to end", seconds=15)
    assert published(session) == []
    assert list((session.build / "quickstart" / ".work").iterdir()) == []


def test_two_bakes_at_once_make_one_image(bakes: list[tuple[int, str, str]], image: Path) -> None:
    first_lines = sorted(out.splitlines()[0].split(":")[0] for _, out, _ in bakes)
    assert first_lines == ["baked", "up to date"]
    assert any("for another vipforge process to finish" in err for _, _, err in bakes)
    assert image.is_file()


def test_progress_to_a_pipe_has_no_control_characters(bakes: list[tuple[int, str, str]]) -> None:
    for _, out, err in bakes:
        assert not {character for character in out + err if ord(character) < 32} - {"\n"}


def test_progress_names_the_steps_and_their_times(bakes: list[tuple[int, str, str]]) -> None:
    (err,) = [err for _, out, err in bakes if out.startswith("baked")]
    for step in (
        "starting the guest",
        "putting keepalived and the other services into place",
        "removing identity and secrets",
    ):
        assert step in err
    assert "compressing the image: done in " in err


def test_the_manifest_describes_the_image(image: Path) -> None:
    manifest = json.loads((image.parent / "manifest.json").read_text())
    assert manifest["sha256"] == hashlib.sha256(image.read_bytes()).hexdigest()
    assert manifest["size"] == image.stat().st_size
    assert manifest["guest"] == "debian12"
    assert manifest["versions"]["keepalived"] == "2.3.3"
    assert "keepalived" not in manifest["packages"]
    assert not {"gcc", "make", "cpp", "perl"} & manifest["packages"].keys()


def test_the_image_is_small(image: Path) -> None:
    """A compiler alone would make it larger than the limit."""
    assert image.stat().st_size < 300_000_000


def test_the_console_of_the_bake_is_kept(image: Path) -> None:
    assert "Linux version" in (image.parent / "logs" / "console.log").read_text(errors="replace")


def test_a_bake_leaves_nothing_but_its_results(session: Session, image: Path) -> None:
    attestations = ["SHA256SUMS", "provenance.intoto.json", "sbom.cdx.json"]
    assert published(session) == sorted([*attestations, "appliance.qcow2", "manifest.json"])
    assert list((image.parent / ".work").iterdir()) == []


def test_the_same_spec_is_not_baked_twice(session: Session, image: Path) -> None:
    modified = image.stat().st_mtime_ns
    again = session.run("image", session.spec, "--json")
    assert image.stat().st_mtime_ns == modified
    assert again.returncode == 0
    assert json.loads(again.stdout)["fresh"] is False
