"""The cache as a whole: what it holds, how much, when it was last used, and taking the oldest out of it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from builder import layers, paths
from builder.files import GIB
from builder.roots.debs import PACKAGES

SOURCE = "source"
IN_USE_SECONDS = 60 * 60
"""A bake reads its foundation long after it was found; what was used this recently stays."""


@dataclass(frozen=True)
class Entry:
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


def entries() -> list[Entry]:
    """Everything that the cache holds, the longest unused first."""
    return sorted((*_layers(), *_packages(), *_sources()), key=lambda entry: entry.used)


def prune(limit: int) -> list[Entry]:
    """Take out what was not used for longest, until `limit` bytes are left at most; returns what went.

    What another vipforge is making, or was used within the last hour, stays.
    """
    held = entries()
    total = sum(entry.size for entry in held)
    gone = []
    for entry in held:
        if total <= limit:
            break
        if _remove(entry):
            total -= entry.size
            gone.append(entry)
    return gone


def table(found: list[Entry]) -> str:
    """The entries for people, and their sum."""
    lines = [f"{each.kind:<11} {each.name:<30} {_size(each.size):>9}  used {_day(each.used)}" for each in found]
    return "\n".join([*lines, f"{len(found)} entries, {_size(sum(each.size for each in found))}, in {paths.cache()}"])


def _layers() -> Iterator[Entry]:
    for note in paths.cache("layers").glob(f"*/*/{layers.DIGESTS}"):
        place = note.parent
        size = sum(path.stat().st_blocks * 512 for path in place.iterdir())
        yield Entry(place.parent.name, place.name, place, size, note.stat().st_mtime)


def _packages() -> Iterator[Entry]:
    for place in paths.cache(PACKAGES).glob("*/"):
        facts = [path.stat() for path in place.glob("*.deb")]
        if facts:
            size = sum(each.st_blocks * 512 for each in facts)
            yield Entry(PACKAGES, place.name, place, size, max(each.st_mtime for each in facts))


def _sources() -> Iterator[Entry]:
    for path in paths.cache("sources").glob("*/*/[!.]*"):
        facts = path.stat()
        yield Entry(SOURCE, path.name, path, facts.st_size, max(facts.st_atime, facts.st_mtime))


def _remove(entry: Entry) -> bool:
    if time.time() - entry.used < IN_USE_SECONDS:
        return False
    lock = FileLock(entry.path.parent / ".lock" if entry.kind == SOURCE else entry.path.with_suffix(".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    with lock:
        aside = entry.path.with_name(f".{entry.path.name}.gone")
        entry.path.rename(aside)
        shutil.rmtree(aside) if aside.is_dir() else aside.unlink()
    lock.release()
    return True


def _size(size: int) -> str:
    return f"{size / GIB:.2f} GiB" if size >= GIB else f"{size / (1 << 20):.1f} MiB"


def _day(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M")
