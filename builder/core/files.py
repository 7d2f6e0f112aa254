"""Files: written whole or not at all, locked while they change, and checked by their digests."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from builder.core.errors import UserError
from builder.core.progress import say

CHUNK = 1 << 20
GIB = 1 << 30


def write_atomic(path: Path, content: str | bytes, *, mode: int = 0o644) -> None:
    """Put `content` at `path` in one step: a reader sees the old file or the new one, never a part."""
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    sync_folder(path.parent)


class Together:
    """Files that come to their places at once: one wait for the disk, however many they are."""

    def __init__(self) -> None:
        self._made: list[tuple[Path, Path]] = []

    def write(self, path: Path, content: str | bytes, *, mode: int = 0o644) -> None:
        """Put `content` beside `path`; `publish` brings it there."""
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        self._made.append((Path(name), path))
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content.encode() if isinstance(content, str) else content)

    def publish(self) -> None:
        """Give every file its name, when all of them are on the disk."""
        folders = {folder.stat().st_dev: folder for folder in {path.parent for _, path in self._made}}
        _sync(folders.values())
        while self._made:
            made, path = self._made.pop()
            made.replace(path)
        _sync(folders.values())

    def drop(self) -> None:
        """Remove what has no name yet."""
        while self._made:
            self._made.pop()[0].unlink(missing_ok=True)


@contextmanager
def together() -> Iterator[Together]:
    """Write files aside, and publish all of them at the end of the block; where it fails, none."""
    files = Together()
    try:
        yield files
        files.publish()
    finally:
        files.drop()


def publish(made: Path, target: Path) -> None:
    """Move a finished file or folder to its place in one step; both must be on one file system."""
    if made.is_file():
        with made.open("rb") as file:
            os.fsync(file.fileno())
    target.parent.mkdir(parents=True, exist_ok=True)
    made.replace(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut (fsync(2) on the directory)."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync(folders: Iterable[Path]) -> None:
    """Bring all that was written to these folders' file systems to the disk (syncfs(2), which Python has not)."""
    for folder in folders:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if ctypes.CDLL(None, use_errno=True).syncfs(handle) != 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number), str(folder))
        finally:
            os.close(handle)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    return digest(path, "sha256")


def digest(path: Path, algorithm: str) -> str:
    """The digest of a file by any algorithm of hashlib, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def need_room(folder: Path, gib: float, work: str, variable: str) -> None:
    """Raise UserError where `folder` has less than `gib` GiB free for `work`; `variable` moves it elsewhere."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free / GIB
    if free < gib:
        raise UserError(
            f"{folder} has {free:.1f} GiB free; {work} needs {gib:g} GiB",
            hint=f"make room, or set {variable} to a folder on a larger disk",
        )


@contextmanager
def locked(path: Path, what: str, *, timeout: float) -> Iterator[None]:
    """Hold the lock file `path`; another holder is waited for, `timeout` seconds at most.

    The lock is flock(2), so the kernel frees it when its holder dies.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"waiting for another vipforge that is at work on {what} (at most {timeout:g} s)")
        try:
            lock.acquire(timeout=timeout)
        except Timeout:
            raise UserError(
                f"another vipforge is still at work on {what} after {timeout:g} s",
                hint=f"wait for it, or end it; the lock is {path}",
            ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def workspace(parent: Path, name: str) -> Iterator[Path]:
    """A folder to work in, removed at the end; what a killed run left there is removed at the start.

    A folder is in use while its lock is held, so only folders of dead runs are swept.
    """
    parent.mkdir(parents=True, exist_ok=True)
    sweep(parent)
    folder = parent / f"{name}.{secrets.token_hex(6)}"
    lock = FileLock(folder.with_suffix(folder.suffix + ".lock"))
    lock.acquire()  # before there is a folder, or another run could sweep it in between
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)


def sweep(parent: Path) -> None:
    """Remove the workspaces that killed runs left in `parent`."""
    for folder in parent.iterdir():
        if not folder.is_dir():
            continue
        lock = FileLock(folder.with_suffix(folder.suffix + ".lock"))
        with suppress(Timeout):
            lock.acquire(timeout=0)
            shutil.rmtree(folder, ignore_errors=True)
            lock.release()
            Path(lock.lock_file).unlink(missing_ok=True)


NOTE = ".checked.json"
BELIEVED_SECONDS = 24 * 60 * 60

Digests = Mapping[str, str]
"""SHA-256 by the file's path in its folder."""


def is_intact(folder: Path, digests: Digests, *, thorough: bool = False) -> bool:
    """Whether every file is there and has its digest; a folder that cannot be written is always checked in full."""
    try:
        seen = _seen(folder, digests)
        if not thorough and seen == _noted(folder):
            return True
        whole = all(sha256(folder / name) == digest for name, digest in digests.items())
    except OSError:
        return False
    if whole:
        _write(folder, seen)
    return whole


def record_digests(folder: Path, digests: Digests) -> None:
    """Note files that have been made just now, and have these digests."""
    _write(folder, _seen(folder, digests))


def _write(folder: Path, seen: dict[str, Any]) -> None:
    with suppress(OSError):
        write_atomic(folder / NOTE, json.dumps({"checked": time.time(), "files": seen}))


def _seen(folder: Path, digests: Digests) -> dict[str, Any]:
    return {name: [digest, *_facts(folder / name)] for name, digest in digests.items()}


def _facts(path: Path) -> tuple[int, ...]:
    facts = path.stat()
    return (facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino)


def _noted(folder: Path) -> object:
    """What the last full check saw; None where there was none within a day."""
    try:
        noted = json.loads((folder / NOTE).read_text())
        young = 0 <= time.time() - noted["checked"] < BELIEVED_SECONDS
        return noted["files"] if young else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
