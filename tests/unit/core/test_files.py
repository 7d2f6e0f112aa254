"""Atomic writes, locks, workspaces and free space."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from builder.core import files
from builder.core.errors import UserError


def test_a_file_appears_whole_with_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "new" / "secret"
    files.write_atomic(target, "text", mode=0o600)
    assert target.read_text() == "text"
    assert target.stat().st_mode & 0o777 == 0o600
    assert os.listdir(target.parent) == ["secret"]


def test_a_failed_write_leaves_the_old_file_and_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "file"
    target.write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_atomic(target, "new")
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_publish_replaces_in_one_step(tmp_path: Path) -> None:
    finished, target = tmp_path / "finished", tmp_path / "place" / "target"
    finished.write_text("new")
    files.publish(finished, target)
    assert target.read_text() == "new"
    assert not finished.exists()


def test_digests(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    assert files.sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert files.digest(path, "md5") == "900150983cd24fb0d6963f7d28e17f72"


def test_a_lock_waits_and_then_names_what_is_locked(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    lock = tmp_path / "lock"
    acquired, release = threading.Event(), threading.Event()

    def hold() -> None:
        with files.locked(lock, "the image", timeout=1):
            acquired.set()
            release.wait(10)

    owner = threading.Thread(target=hold)
    owner.start()
    assert acquired.wait(5)
    with (
        pytest.raises(UserError, match="still using the image after"),
        files.locked(lock, "the image", timeout=0.2),
    ):
        pass
    release.set()
    owner.join()
    assert "waiting up to 0.2 s for another vipforge process to finish with the image" in capfd.readouterr().err
    with files.locked(lock, "the image", timeout=1):
        pass


def test_a_workspace_is_removed_even_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), files.workspace(tmp_path, "bake") as work:
        (work / "half").write_text("made")
        raise KeyError
    assert os.listdir(tmp_path) == []


@pytest.mark.real_subprocess
def test_the_workspace_of_a_killed_run_is_removed_and_that_of_a_live_one_is_not(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys, time\n"
        "from builder.core.files import workspace\n"
        "with workspace(pathlib.Path(sys.argv[1]), 'bake') as work:\n"
        "    (work / 'half').write_text('made')\n"
        "    print(work, flush=True)\n"
        "    time.sleep(60)\n"
    )
    runs = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
            for _ in range(2)]  # fmt: skip
    dead, live = [Path(run.stdout.readline().strip()) for run in runs if run.stdout]
    runs[0].kill()
    runs[0].wait()
    time.sleep(0.1)
    with files.workspace(tmp_path, "bake"):
        assert not dead.exists()
        assert (live / "half").exists()
    runs[1].kill()
    runs[1].wait()


def test_the_error_for_too_little_space_names_the_variable_that_helps(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"GiB free; a bake needs 1e\+06 GiB") as caught:
        files.need_room(tmp_path / "new", 1e6, "a bake", "VIPFORGE_BUILD")
    assert "VIPFORGE_BUILD" in caught.value.hint
    files.need_room(tmp_path / "new", 0, "a bake", "VIPFORGE_BUILD")


def test_the_files_of_a_batch_appear_together(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with files.file_batch() as batch:
        batch.write(tmp_path / "a", "new", mode=0o600)
        batch.write(tmp_path / "new" / "b", b"bytes")
        assert (tmp_path / "a").read_text() == "old"
        assert not (tmp_path / "new" / "b").exists()
    assert (tmp_path / "a").read_text() == "new"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new" / "b").read_bytes() == b"bytes"
    assert sorted(os.listdir(tmp_path)) == ["a", "new"]


def test_a_failed_batch_publishes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(RuntimeError):
        with files.file_batch() as batch:
            batch.write(tmp_path / "a", "new")
            raise RuntimeError
    assert (tmp_path / "a").read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]


def test_files_that_did_not_reach_the_disk_are_not_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_sync", full)
    with pytest.raises(OSError, match="No space left"):
        with files.file_batch() as batch:
            batch.write(tmp_path / "a", "new")
    assert os.listdir(tmp_path) == []
