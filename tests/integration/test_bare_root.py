"""Running commands in a bare root and removing it; a busybox root needs no mirror and no time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.bare import root as module
from tests.bare.root import Root, bare_root

pytestmark = pytest.mark.integration

RELEASE = "busybox"
MAIN = """
import sys
sys.path.insert(0, "tests/integration")
import test_bare_root
from tests.bare import __main__ as command, root
root._bootstrap = test_bare_root.busybox
sys.argv = ["bare", "busybox", "--place", sys.argv[1], "touch at-work; sleep 600 & sleep 600"]
sys.exit(command.main())
"""
"""Runs the real command, but with a busybox root."""


def busybox(_: str, root: Path) -> None:
    for name in ("bin", "dev", "etc", "proc", "root", "sys", "tmp", "usr"):
        (root / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin")
    for name in ("sh", "umount", "rmdir", "cat", "ls", "sleep", "ps", "readlink", "touch", "id", "unshare"):
        (root / "bin" / name).symlink_to("busybox")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "_bootstrap", busybox)
    return tmp_path / "place"


def out(root: Root, command: str) -> str:
    """The output of a command, which writes it into the clone, where the host can read it."""
    assert root.run(f"{{ {command}; }} > output", minutes=1) == 0
    return (root.path / "root" / "vipforge" / "output").read_text()


def started(place: Path, home: Path, **more: Any) -> subprocess.Popen[bytes]:
    """A running command in its own root."""
    environment = {**os.environ, "PYTHONPATH": str(module.CHECKOUT), "XDG_CACHE_HOME": str(home)}
    words = [sys.executable, "-c", MAIN, place]
    running = subprocess.Popen(words, cwd=module.CHECKOUT, env=environment, **more)
    deadline = time.monotonic() + 30
    while not list(place.glob("*.*/root/root/vipforge/at-work")) and time.monotonic() < deadline:
        time.sleep(0.05)
    return running


def folders(place: Path) -> list[Path]:
    return list(place.glob("*.*/"))


def test_a_command_runs_in_the_clone_in_its_own_namespaces(place: Path, tmp_path: Path) -> None:
    with bare_root(RELEASE, place, tmp_path / "cache") as root:
        assert (root.path / "root" / "vipforge" / "Makefile").exists()
        assert (
            out(root, "cat /proc/sys/kernel/hostname; ls /.host 2>&1; ls /dev/shm; echo $PPID").split("\n")[0]
            == "bare"
        )
        assert len(out(root, "ps -o comm").splitlines()) < 6
        assert out(root, "readlink /proc/1/ns/pid") != f"{os.readlink('/proc/self/ns/pid')}\n"
        assert out(root, "unshare -Ur id -u") == "0\n", "a chroot forbids user namespaces"
        assert {"null", "shm", "ptmx", "fd"} <= set(out(root, "ls /dev").split())
        assert root.run("exit 7", minutes=1) == 7
    assert folders(place) == []


def test_the_checkout_may_belong_to_another_user(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = tmp_path / "theirs"
    subprocess.run(["git", "clone", "--quiet", module.CHECKOUT, theirs], check=True)
    subprocess.run(["chown", "-R", "nobody", theirs], check=True)
    monkeypatch.setattr(module, "CHECKOUT", theirs)
    with bare_root(RELEASE, place, tmp_path / "cache") as root:
        assert (root.path / "root" / "vipforge" / "Makefile").exists()


def test_packages_are_kept_between_roots(place: Path, tmp_path: Path) -> None:
    for expected in ("", "a.deb\n"):
        with bare_root(RELEASE, place, tmp_path / "cache") as root:
            assert out(root, f"ls {module.ARCHIVES}") == expected
            assert root.run(f"touch {module.ARCHIVES}/a.deb", minutes=1) == 0


def test_a_command_that_takes_too_long_is_ended_with_all_its_children(place: Path, tmp_path: Path) -> None:
    with bare_root(RELEASE, place, tmp_path / "cache") as root, pytest.raises(subprocess.TimeoutExpired):
        root.run("sleep 6543 & sleep 6543", minutes=2 / 60)
    assert "6543" not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert folders(place) == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(place: Path, tmp_path: Path, ending: signal.Signals) -> None:
    running = started(place, tmp_path, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    running.send_signal(ending)
    assert running.wait(20) == 130
    assert folders(place) == []


def test_the_next_run_removes_the_root_of_a_killed_run_but_not_of_a_running_one(place: Path, tmp_path: Path) -> None:
    running = started(place, tmp_path)
    (left,) = folders(place)
    with bare_root(RELEASE, place, tmp_path / "vipforge-bare") as root:
        assert left.exists()
        assert root.archives is None, "two runs cannot share apt's archives"
    running.send_signal(signal.SIGKILL)
    running.wait(10)
    with bare_root(RELEASE, place, tmp_path / "cache") as root:
        assert not left.exists()
        assert root.path.exists()


def test_a_folder_that_another_user_may_write_is_refused(place: Path, tmp_path: Path) -> None:
    """The default is in /var/tmp, where another user may have created it first."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    place.mkdir()
    (place / "lock").symlink_to(victim)
    place.chmod(0o777)
    with pytest.raises(PermissionError, match="only root can write to"), bare_root(RELEASE, place, tmp_path / "cache"):
        pass
    assert victim.read_text() == "precious"
