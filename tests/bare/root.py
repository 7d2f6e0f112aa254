"""A fresh root of a Debian release with what the README asks a bare machine for, and a clone of this checkout."""

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
"""What the README's "Two commands" asks for."""
HOME = "/root/vipforge"
ARCHIVES = "/var/cache/apt/archives"
MAKE_SECONDS = 15 * 60
CLONE_SECONDS = 120
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class Root:
    """A root that is there; `kept` is the folder of downloaded packages that later roots are given as well."""

    path: Path
    kept: Path | None

    def run(self, command: str, *, minutes: float) -> int:
        """Run a shell command in the clone; its exit code. Raises subprocess.TimeoutExpired, when all of it ends."""
        namespaces = ["--mount", "--propagation=private", "--uts", "--ipc", "--pid", "--fork", "--kill-child"]
        inside = ["sh", str(ENTER), str(self.path), HOME, command]
        # With us ends unshare, with that the first process of the PID namespace, and with that every other.
        argv = ["setpriv", "--pdeathsig", "KILL", "--", "unshare", *namespaces, "--", *inside]
        with tempfile.TemporaryFile("w+") as folders:
            folders.writelines(f"{line}\n" for line in self._folders())
            folders.seek(0)
            environment = host.environment(os.environ)
            return subprocess.run(argv, stdin=folders, env=environment, timeout=minutes * 60, check=False).returncode

    def _folders(self) -> Iterator[str]:
        yield from (f"{folder} {folder} ro" for folder in host.pip_folders(host.pip_settings()))
        if self.kept:
            yield f"{self.kept} {ARCHIVES} rw"


@contextmanager
def made(release: str, place: Path, cache: Path) -> Iterator[Root]:
    """A root below `place`, removed at the end; one that a killed run left there is removed before."""
    place.mkdir(parents=True, exist_ok=True)
    _own(place)
    with _locked(place / "lock") as lock:
        _sweep(place)
        folder = Path(tempfile.mkdtemp(prefix=f"{release}.", dir=place))
        held = _lock(folder / "lock")
        lock.close()
        try:
            root = folder / "root"
            _bootstrap(release, root)
            host.copy_settings(root)
            _clone(root)
            with _kept(cache / release) as kept:
                yield Root(root, kept)
        finally:
            _remove(folder)
            if held:
                held.close()


def _own(place: Path) -> None:
    """Refuse a folder that another user has a hand in: what root writes and removes there could be led elsewhere."""
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & OTHERS_WRITE:
        raise PermissionError(f"{place} must be a folder that root alone may write; name another with --place")


def _bootstrap(release: str, root: Path) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as settings:
        settings.write(host.apt_settings())
        settings.flush()
        options = ["--variant=minbase", f"--include={','.join(PACKAGES)}", f"--keyring={KEYRING}", "--quiet"]
        argv = ["mmdebstrap", *options, f"--aptopt={settings.name}", release, str(root), *mirror(release).lines()]
        subprocess.run(argv, stdin=subprocess.DEVNULL, timeout=MAKE_SECONDS, check=True)


def _clone(root: Path) -> None:
    """Clone what is committed. The checkout may be another user's, which git refuses root unless a file allows it."""
    argv = ["git", "clone", "--quiet", "--no-hardlinks", str(CHECKOUT), str(host.inside_of(root, Path(HOME)))]
    with tempfile.NamedTemporaryFile("w") as settings:
        settings.write("[safe]\n    directory = *\n")
        settings.flush()
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": settings.name}
        subprocess.run(argv, stdin=subprocess.DEVNULL, env=environment, timeout=CLONE_SECONDS, check=True)


@contextmanager
def _kept(folder: Path) -> Iterator[Path | None]:
    """The folder of kept packages; None while another run uses it, since apt wants its archives for itself."""
    folder.mkdir(parents=True, exist_ok=True)
    held = _lock(folder.with_name(f"{folder.name}.lock"))
    try:
        yield folder if held else None
    finally:
        if held:
            held.close()


def _sweep(place: Path) -> None:
    for folder in place.glob("*.*/"):
        held = _lock(folder / "lock")
        if held:
            _remove(folder)
            held.close()


@contextmanager
def _locked(path: Path) -> Iterator[IO[str]]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def _lock(path: Path) -> IO[str] | None:
    """The lock, held until it is closed or we end; None where another run holds it."""
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _remove(folder: Path) -> None:
    """What was mounted there was mounted in namespaces that have ended."""
    shutil.rmtree(folder)
