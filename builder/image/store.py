"""The cache as a whole: its entries, their sizes and last use, and pruning."""

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
from builder.core.errors import InvalidOption
from builder.core.files import GIB, workspace
from builder.core.progress import say
from builder.rootfs import layers
from builder.rootfs.mmdebstrap import PACKAGES

LIMIT = "VIPFORGE_CACHE_GIB"
LIMIT_GIB = 20
"""The size to which a bake prunes the cache unless the environment says otherwise."""
SOURCE = "source"
BLOCK = 512
"""The size of a block in stat(2), in bytes, on any file system."""
IN_USE_SECONDS = 60 * 60
"""A bake reads its foundation long after it looked it up, so an entry that was used this recently stays."""


@dataclass(frozen=True)
class CacheEntry:
    """One layer or source in the cache. `used` is in seconds since the epoch."""

    kind: str
    name: str
    path: Path
    size: int
    used: float

    def as_data(self) -> dict[str, Any]:
        """The entry as data for JSON."""
        used = datetime.fromtimestamp(self.used, UTC).isoformat(timespec="seconds")
        return {**asdict(self), "path": str(self.path), "used": used}


def entries() -> list[CacheEntry]:
    """All entries of the cache, least recently used first."""
    candidates = (_entry(kind, place) for kind, place in _places())
    return sorted((entry for entry in candidates if entry), key=lambda entry: entry.used)


def prune(limit: int) -> list[CacheEntry]:
    """Remove the least recently used entries until at most `limit` bytes are left; returns the removed entries.

    An entry that another vipforge is building or that was used within the last hour stays.
    """
    candidates = entries()
    total = sum(entry.size for entry in candidates)
    removed = []
    with workspace(paths.cache("work"), "prune") as aside:
        for entry in candidates:
            if total <= limit:
                break
            if _remove(entry, aside):
                total -= entry.size
                removed.append(entry)
    return removed


def limit() -> int:
    """The bytes that a bake may leave in the cache: $VIPFORGE_CACHE_GIB or 20 GiB; raises InvalidOption if invalid."""
    text = os.environ.get(LIMIT) or str(LIMIT_GIB)
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise InvalidOption(f"{LIMIT} is {text!r}", hint="set it to the size of the cache in GiB, such as 20")
    return int(float(text) * GIB)


def prune_to_limit(limit_bytes: int) -> None:
    """Prune to at most `limit_bytes` and report it; a cache that cannot be written is left as it is."""
    with suppress(OSError):
        removed = prune(limit_bytes)
        if removed:
            freed = _size(sum(each.size for each in removed))
            say(f"cache: removed {freed} of the least recently used files ({LIMIT}, {limit_bytes / GIB:g} GiB)")


def table(shown: list[CacheEntry]) -> str:
    """The entries as a table, with their total size."""
    return "\n".join([*map(_row, shown), f"{len(shown)} entries, {_total(shown)}, in {paths.cache()}"])


def removal(removed: list[CacheEntry]) -> str:
    """The removed entries as a table, and what the cache holds without them."""
    rest = f"the cache holds {_total(entries())}, in {paths.cache()}"
    total = f"removed {_total(removed)}" if removed else "removed nothing"
    return "\n".join([*map(_row, removed), f"{total}; {rest}"])


def _places() -> Iterator[tuple[str, Path]]:
    """The kind and path of everything in the cache."""
    yield from ((place.parent.name, place) for place in paths.cache("layers").glob("*/*/"))
    yield from ((PACKAGES, place) for place in paths.cache(PACKAGES).glob("*/"))
    yield from ((SOURCE, path) for path in paths.cache("sources").glob("*/*/[!.]*"))


def _entry(kind: str, place: Path) -> CacheEntry | None:
    """The entry at that path; None if it is empty, or if another run has just removed it."""
    try:
        size = sum(path.stat().st_blocks for path in (place, *place.rglob("*")) if path.is_file()) * BLOCK
        return CacheEntry(kind, place.name, place, size, _used(kind, place)) if size else None
    except FileNotFoundError:
        return None


def _used(kind: str, place: Path) -> float:
    """When it was last used: a run touches a layer or source before it uses it, so that a second look notices that."""
    if kind == SOURCE:
        return max(place.stat().st_atime, place.stat().st_mtime)
    touched = [path.stat().st_mtime for path in place.glob("*.deb" if kind == PACKAGES else layers.DIGESTS)]
    return max(touched, default=place.stat().st_mtime)


def _is_in_use(used: float) -> bool:
    return time.time() - used < IN_USE_SECONDS


def _remove(entry: CacheEntry, aside: Path) -> bool:
    """Remove an entry: move it aside atomically, and back if another run has begun to use it since it was listed."""
    if _is_in_use(entry.used):
        return False
    lock = entry.path.parent / ".lock" if entry.kind == SOURCE else entry.path.with_suffix(".lock")
    moved = aside / entry.name
    with suppress(Timeout, FileNotFoundError), FileLock(lock).acquire(timeout=0):
        if _is_in_use(_used(entry.kind, entry.path)):  # else a run that has just begun would miss it for a moment
            return False
        entry.path.rename(moved)
        if _is_in_use(_used(entry.kind, moved)):
            moved.rename(entry.path)
            return False
        shutil.rmtree(moved) if moved.is_dir() else moved.unlink()
        return True
    return False


def _row(entry: CacheEntry) -> str:
    return f"{entry.kind:<11} {entry.name:<30} {_size(entry.size):>9}  used {_day(entry.used)}"


def _total(shown: list[CacheEntry]) -> str:
    return _size(sum(each.size for each in shown))


def _size(size: int) -> str:
    return f"{size / GIB:.2f} GiB" if size >= GIB else f"{size / (1 << 20):.1f} MiB"


def _day(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M")
