"""A fresh root of a Debian release with the README's requirements and a clone of this checkout."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from builder.rootfs.mirror import KEYRING, mirror
from tests.bare import host

CHECKOUT = Path(__file__).resolve().parents[2]
ENTER = Path(__file__).with_name("enter.sh")
PACKAGES = ("make", "git", "python3-venv", "ca-certificates")
"""The requirements in the README."""
HOME = "/root/vipforge"
ARCHIVES = "/var/cache/apt/archives"
MAKE_SECONDS = 15 * 60
CLONE_SECONDS = 120
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class Root:
    """An existing root; `archives` is the folder of downloaded packages that later roots reuse."""

    path: Path
    archives: Path | None

    def run(self, command: str, *, minutes: float) -> int:
        """Run a shell command in the clone; returns its exit code.

        Raises subprocess.TimeoutExpired; every process of the command has then ended.
        """
        namespaces = ["--mount", "--propagation=private", "--uts", "--ipc", "--pid", "--fork", "--kill-child"]
        inside = ["sh", str(ENTER), str(self.path), HOME, command]
        # When this process ends, unshare ends; with it the PID namespace's first process, and with that all others.
        argv = ["setpriv", "--pdeathsig", "KILL", "--", "unshare", *namespaces, "--", *inside]
        with tempfile.TemporaryFile("w+") as folders:
            folders.writelines(f"{line}\n" for line in self._folders())
            folders.seek(0)
            environment = host.environment(os.environ)
            return subprocess.run(argv, stdin=folders, env=environment, timeout=minutes * 60, check=False).returncode

    def _folders(self) -> Iterator[str]:
        yield from (f"{folder} {folder} ro" for folder in host.pip_folders(host.pip_settings()))
        if self.archives:
            yield f"{self.archives} {ARCHIVES} rw"


@contextmanager
def bare_root(release: str, place: Path, cache: Path) -> Iterator[Root]:
    """Make a root below `place`, and remove it at the end; the remains of a killed run are removed first."""
    place.mkdir(parents=True, exist_ok=True)
    _check_owner(place)
    with _locked(place / "lock") as lock:
        _sweep(place)
        folder = Path(tempfile.mkdtemp(prefix=f"{release}.", dir=place))
        folder_lock = _lock(folder / "lock")
        lock.close()
        try:
            root = folder / "root"
            _bootstrap(release, root)
            host.copy_settings(root)
            _clone(root)
            with _archives(cache / release) as archives:
                yield Root(root, archives)
        finally:
            _remove(folder)
            if folder_lock:
                folder_lock.close()


def _check_owner(place: Path) -> None:
    """Refuse a folder that another user can change: links there could redirect what root writes and removes."""
    entry = place.lstat()
    if not stat.S_ISDIR(entry.st_mode) or entry.st_uid != os.geteuid() or entry.st_mode & OTHERS_WRITE:
        raise PermissionError(f"{place} must be a folder that only root can write to; name another with --place")


def _bootstrap(release: str, root: Path) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as settings:
        settings.write(host.apt_settings())
        settings.flush()
        options = ["--variant=minbase", f"--include={','.join(PACKAGES)}", f"--keyring={KEYRING}", "--quiet"]
        argv = ["mmdebstrap", *options, f"--aptopt={settings.name}", release, str(root), *mirror(release).lines()]
        subprocess.run(argv, stdin=subprocess.DEVNULL, timeout=MAKE_SECONDS, check=True)


def _clone(root: Path) -> None:
    """Clone what is committed. git refuses another user's checkout unless a settings file allows it."""
    argv = ["git", "clone", "--quiet", "--no-hardlinks", str(CHECKOUT), str(host.inside_of(root, Path(HOME)))]
    with tempfile.NamedTemporaryFile("w") as settings:
        settings.write("[safe]\n    directory = *\n")
        settings.flush()
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": settings.name}
        subprocess.run(argv, stdin=subprocess.DEVNULL, env=environment, timeout=CLONE_SECONDS, check=True)


@contextmanager
def _archives(folder: Path) -> Iterator[Path | None]:
    """Yield the folder of downloaded packages, or None while another run uses it, because apt does not share it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = _lock(folder.with_name(f"{folder.name}.lock"))
    try:
        yield folder if lock else None
    finally:
        if lock:
            lock.close()


def _sweep(place: Path) -> None:
    for folder in place.glob("*.*/"):
        lock = _lock(folder / "lock")
        if lock:
            _remove(folder)
            lock.close()


@contextmanager
def _locked(path: Path) -> Iterator[IO[str]]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def _lock(path: Path) -> IO[str] | None:
    """Take the lock until it is closed or this process ends; returns None if another run has it."""
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _remove(folder: Path) -> None:
    shutil.rmtree(folder)  # nothing is mounted there any longer: the mount namespaces have ended
