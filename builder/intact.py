"""Whether files are still as they were made: by their digests, or by what a full check saw of them not long ago.

A digest of half a gigabyte takes seconds. So a full check notes size, times and inode of every file, and as long as
none of them differs the next checks believe it. Whoever writes to a file, replaces or truncates it changes its ctime
(inode(7)), which no program can set. What a failing medium does leaves no such trace; hence a note is believed for a
day only, and whoever builds on the files asks for a full check (`thorough`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from builder.files import sha256, write_atomic

NOTE = ".checked.json"
BELIEVED_SECONDS = 24 * 60 * 60

Digests = Mapping[str, str]
"""SHA-256 by the file's path in its folder."""


def intact(folder: Path, digests: Digests, *, thorough: bool = False) -> bool:
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


def note(folder: Path, digests: Digests) -> None:
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
