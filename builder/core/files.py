"""Files: atomic writes, locks, workspaces, free space, and integrity checks by digest."""

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
CHECK_RECORD = ".checked.json"
"""Records the last full check of a folder's files, inside that folder."""
CHECK_VALID_SECONDS = 24 * 60 * 60

Digests = Mapping[str, str]
"""SHA-256 by the file's path in its folder."""


def write_atomic(path: Path, content: str | bytes, *, mode: int = 0o644) -> None:
    """Write `content` to `path` in one step: a reader sees the old file or the new one, never part of it."""
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


class FileBatch:
    """Files that are published together, with one sync to disk however many there are."""

    def __init__(self) -> None:
        self._pending: list[tuple[Path, Path]] = []

    def write(self, path: Path, content: str | bytes, *, mode: int = 0o644) -> None:
        """Write `content` to a temporary file beside `path`; `publish` renames it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        self._pending.append((Path(name), path))
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content.encode() if isinstance(content, str) else content)

    def publish(self) -> None:
        """Sync all files to disk, then rename each to its final name."""
        folders = {folder.stat().st_dev: folder for folder in {path.parent for _, path in self._pending}}
        _sync(folders.values())
        while self._pending:
            temporary, path = self._pending.pop()
            temporary.replace(path)
        _sync(folders.values())

    def discard(self) -> None:
        """Remove the files that have not been published."""
        while self._pending:
            self._pending.pop()[0].unlink(missing_ok=True)


@contextmanager
def file_batch() -> Iterator[FileBatch]:
    """A batch of files that is published at the end of the block, or discarded if the block fails."""
    files = FileBatch()
    try:
        yield files
        files.publish()
    finally:
        files.discard()


def publish(finished: Path, target: Path) -> None:
    """Move a finished file or folder to `target` in one step; both must be on the same file system."""
    if finished.is_file():
        with finished.open("rb") as file:
            os.fsync(file.fileno())
    target.parent.mkdir(parents=True, exist_ok=True)
    finished.replace(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut (fsync(2) on the directory)."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync(folders: Iterable[Path]) -> None:
    """Flush the file systems of these folders to disk with syncfs(2), which Python does not wrap."""
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
    """The digest of a file in hexadecimal, by any algorithm that hashlib has."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def need_room(folder: Path, gib: float, work: str, variable: str) -> None:
    """Raise UserError if `folder` has less than `gib` GiB free for `work`; `variable` is what moves the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free / GIB
    if free < gib:
        raise UserError(
            f"{folder} has {free:.1f} GiB free; {work} needs {gib:g} GiB",
            hint=f"free some space, or set {variable} to a folder on a larger disk",
        )


@contextmanager
def locked(path: Path, what: str, *, timeout: float) -> Iterator[None]:
    """Lock the file `path` for the block; wait at most `timeout` seconds for another process that has the lock.

    The lock is an flock(2), so the kernel releases it when its owner dies.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"waiting up to {timeout:g} s for another vipforge process to finish with {what}")
        try:
            lock.acquire(timeout=timeout)
        except Timeout:
            raise UserError(
                f"another vipforge process is still using {what} after {timeout:g} s",
                hint=f"wait for it to finish or stop it (it has a lock on {path}), then run this command again",
            ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def workspace(parent: Path, name: str) -> Iterator[Path]:
    """A working folder, removed at the end of the block; folders left by killed runs are removed first.

    Each folder is locked while it is in use, so only those of dead runs are removed.
    """
    parent.mkdir(parents=True, exist_ok=True)
    sweep(parent)
    folder = parent / f"{name}.{secrets.token_hex(6)}"
    lock = FileLock(folder.with_suffix(folder.suffix + ".lock"))
    lock.acquire()  # before the folder exists, or another run could sweep it
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)


def sweep(parent: Path) -> None:
    """Remove the workspaces that killed runs left behind in `parent`."""
    for folder in parent.iterdir():
        if not folder.is_dir():
            continue
        lock = FileLock(folder.with_suffix(folder.suffix + ".lock"))
        with suppress(Timeout):
            lock.acquire(timeout=0)
            shutil.rmtree(folder, ignore_errors=True)
            lock.release()
            Path(lock.lock_file).unlink(missing_ok=True)


def is_intact(folder: Path, digests: Digests, *, thorough: bool = False) -> bool:
    """Whether every file exists and has its digest.

    A full check is recorded and trusted for a day, unless `thorough` or a file's metadata has changed since.
    In a read-only folder nothing can be recorded, so every check is a full one.
    """
    try:
        observations = _observations(folder, digests)
        if not thorough and observations == _recorded(folder):
            return True
        intact = all(sha256(folder / name) == digest for name, digest in digests.items())
    except OSError:
        return False
    if intact:
        _record(folder, observations)
    return intact


def record_digests(folder: Path, digests: Digests) -> None:
    """Record files that were just written and are known to have these digests."""
    _record(folder, _observations(folder, digests))


def _record(folder: Path, observations: dict[str, Any]) -> None:
    with suppress(OSError):
        write_atomic(folder / CHECK_RECORD, json.dumps({"checked": time.time(), "files": observations}))


def _observations(folder: Path, digests: Digests) -> dict[str, Any]:
    return {name: [digest, *_metadata(folder / name)] for name, digest in digests.items()}


def _metadata(path: Path) -> tuple[int, ...]:
    status = path.stat()
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def _recorded(folder: Path) -> object:
    """What the last full check observed; None if there was none within a day."""
    try:
        record = json.loads((folder / CHECK_RECORD).read_text())
        is_recent = 0 <= time.time() - record["checked"] < CHECK_VALID_SECONDS
        return record["files"] if is_recent else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
