"""One file from one address: goes on where an earlier try was cut, and waits for a silent server only so long."""

from __future__ import annotations

import os
import ssl
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any

from builder.core.files import CHUNK
from builder.core.progress import say

SILENCE_SECONDS = 20
WHOLE_SECONDS = 15 * 60
SLOWEST = 100_000
"""Bytes a second that a large file has to come with, where it needs more than WHOLE_SECONDS."""
TOLD_EVERY = 20
"""Seconds between two lines that say how much has come."""
MB = 1_000_000
PARTIAL_CONTENT = 206
RANGE_NOT_SATISFIABLE = 416

Answer = Any  # what urlopen returns differs by the address's scheme


class Refused(Exception):
    """The address does not give the file; the text says why."""


def download(url: str, part: Path, size: int | None) -> str | None:
    """Bring the `size` bytes at `url` into `part`, and return what went wrong, if anything.

    With None for the size, all is taken that the server announces, or that comes.
    What `part` holds is kept and continued. A connection that is cut is taken up again while that brings bytes.
    Raises OSError where `part` cannot be written.
    """
    deadline = time.monotonic() + limit(size)
    while True:
        before = _size(part)
        wrong = _try(url, part, size, deadline)
        if wrong is None or _size(part) <= before or time.monotonic() > deadline:
            return wrong


def limit(size: int | None) -> float:
    """Seconds that a file of that size may take."""
    return max(WHOLE_SECONDS, (size or 0) / SLOWEST)


def _try(url: str, part: Path, size: int | None, deadline: float) -> str | None:
    try:
        _continue(url, part, size, deadline)
    except Refused as reason:
        return str(reason)
    except urllib.error.HTTPError as failure:
        if failure.code == RANGE_NOT_SATISFIABLE and size is None:
            return None  # an earlier run brought all there is; its digest decides
        return f"the server answers {failure.code} {failure.reason}"
    except (TimeoutError, urllib.error.URLError, HTTPException, ConnectionError, ssl.SSLError) as failure:
        return _told(failure)
    return None


def _continue(url: str, part: Path, size: int | None, deadline: float) -> None:
    have = _size(part) if size is None or _size(part) < size else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310
    with urllib.request.urlopen(request, timeout=SILENCE_SECONDS) as answer:  # noqa: S310 - addresses are pinned
        if getattr(answer, "status", None) != PARTIAL_CONTENT:
            have = 0
        whole = _announced(answer, have, size)
        with part.open("ab" if have else "wb") as file:
            got = _copy(answer, file, have, whole, deadline)
            file.flush()
            os.fsync(file.fileno())
    if whole is not None and got != whole:
        raise Refused(f"the connection was cut after {got} of {whole} bytes")


def _announced(answer: Answer, have: int, size: int | None) -> int | None:
    """The size of the whole file, which the server must agree on where it tells one."""
    length = answer.headers.get("Content-Length", "")
    told = have + int(length) if length.isdigit() else None
    if size is not None and told not in (None, size):
        raise Refused(f"wrong size: expected {size} bytes, the server has {told}")
    return size if size is not None else told


def _copy(answer: Answer, file: IO[bytes], have: int, whole: int | None, deadline: float) -> int:
    """Copy all, or up to `whole` bytes with those that are there, and return how many there are then."""
    got, told = have, time.monotonic()
    while chunk := answer.read1(CHUNK if whole is None else min(CHUNK, whole - got)):
        file.write(chunk)
        got += len(chunk)
        if time.monotonic() > deadline:
            raise Refused(f"the server is too slow: {got / MB:.1f} MB of {_megabytes(whole)} when its time was over")
        if time.monotonic() > told + TOLD_EVERY:
            told = time.monotonic()
            say(f"{got / MB:.0f} MB of {_megabytes(whole)}")
    return got


def _megabytes(size: int | None) -> str:
    return "a size that is not told" if size is None else f"{size / MB:.1f} MB"


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _told(failure: Exception) -> str:
    reason = getattr(failure, "reason", failure)
    if isinstance(reason, TimeoutError):
        return f"no answer within {SILENCE_SECONDS} s"
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
