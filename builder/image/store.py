"""The cache as a whole: what it holds, how much, when it was last used, and taking the oldest out of it."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from builder.core import paths
from builder.core.errors import UserError
from builder.core.files import GIB, workspace
from builder.core.progress import say
from builder.rootfs import layers
from builder.rootfs.mmdebstrap import PACKAGES

LIMIT = "VIPFORGE_CACHE_GIB"
LIMIT_GIB = 20
"""What a bake leaves in the cache at most, where the environment does not say."""
SOURCE = "source"
BLOCK = 512
"""Bytes of a block of stat(2), whatever the file system has."""
IN_USE_SECONDS = 60 * 60
"""A bake reads its foundation long after it was found; what was used this recently stays."""


@dataclass(frozen=True)
class CacheEntry:
    """One layer or source of the cache. `used` is seconds since the epoch."""

    kind: str
    name: str
    path: Path
    size: int
    used: float

    def as_data(self) -> dict[str, Any]:
        """The entry as JSON has it."""
        used = datetime.fromtimestamp(self.used, UTC).isoformat(timespec="seconds")
        return {**asdict(self), "path": str(self.path), "used": used}


def entries() -> list[CacheEntry]:
    """Everything that the cache holds, the longest unused first."""
    found = (_entry(kind, place) for kind, place in _places())
    return sorted((entry for entry in found if entry), key=lambda entry: entry.used)


def prune(limit: int) -> list[CacheEntry]:
    """Take out what was not used for longest, until `limit` bytes are left at most; returns what went.

    What another vipforge is making, or was used within the last hour, stays.
    """
    held = entries()
    total = sum(entry.size for entry in held)
    gone = []
    with workspace(paths.cache("work"), "prune") as aside:
        for entry in held:
            if total <= limit:
                break
            if _remove(entry, aside):
                total -= entry.size
                gone.append(entry)
    return gone


def limit() -> int:
    """The bytes that a bake may leave in the cache: $VIPFORGE_CACHE_GIB, or 20 GiB. Raises UserError for no number."""
    asked = os.environ.get(LIMIT) or str(LIMIT_GIB)
    if not re.fullmatch(r"\d+(\.\d+)?", asked):
        raise UserError(f"{LIMIT} is {asked!r}", hint="set it to the GiB that the cache may hold, such as 20")
    return int(float(asked) * GIB)


def keep_within(most: int) -> None:
    """Prune to `most` bytes and say so; a cache that cannot be written is left as it is."""
    with suppress(OSError):
        gone = prune(most)
        if gone:
            freed = _size(sum(each.size for each in gone))
            say(f"cache: {freed} unused for longest went ({LIMIT}, {most / GIB:g} GiB)")


def table(found: list[CacheEntry]) -> str:
    """The entries for people, and their sum."""
    lines = [f"{each.kind:<11} {each.name:<30} {_size(each.size):>9}  used {_day(each.used)}" for each in found]
    return "\n".join([*lines, f"{len(found)} entries, {_size(sum(each.size for each in found))}, in {paths.cache()}"])


def _places() -> Iterator[tuple[str, Path]]:
    """The kind and the place of everything in the cache."""
    yield from ((place.parent.name, place) for place in paths.cache("layers").glob("*/*/"))
    yield from ((PACKAGES, place) for place in paths.cache(PACKAGES).glob("*/"))
    yield from ((SOURCE, path) for path in paths.cache("sources").glob("*/*/[!.]*"))


def _entry(kind: str, place: Path) -> CacheEntry | None:
    """What lies there; None where nothing does, or another run has just taken it."""
    try:
        size = sum(path.stat().st_blocks for path in (place, *place.rglob("*")) if path.is_file()) * BLOCK
        return CacheEntry(kind, place.name, place, size, _used(kind, place)) if size else None
    except FileNotFoundError:
        return None


def _used(kind: str, place: Path) -> float:
    """When it was last used: who uses a layer or a source touches it first, so that this can be asked again."""
    if kind == SOURCE:
        return max(place.stat().st_atime, place.stat().st_mtime)
    touched = [path.stat().st_mtime for path in place.glob("*.deb" if kind == PACKAGES else layers.DIGESTS)]
    return max(touched, default=place.stat().st_mtime)


def _is_in_use(used: float) -> bool:
    return time.time() - used < IN_USE_SECONDS


def _remove(entry: CacheEntry, aside: Path) -> bool:
    """Move it aside in one step, and back if somebody has begun to use it since it was listed."""
    if _is_in_use(entry.used):
        return False
    lock = entry.path.parent / ".lock" if entry.kind == SOURCE else entry.path.with_suffix(".lock")
    gone = aside / entry.name
    with suppress(Timeout, FileNotFoundError), FileLock(lock).acquire(timeout=0):
        entry.path.rename(gone)
        if _is_in_use(_used(entry.kind, gone)):
            gone.rename(entry.path)
            return False
        shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
        return True
    return False


def _size(size: int) -> str:
    return f"{size / GIB:.2f} GiB" if size >= GIB else f"{size / (1 << 20):.1f} MiB"


def _day(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M")
