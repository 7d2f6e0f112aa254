"""Downloading one file from one address: resumes an interrupted download, and limits the time for slow servers."""

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
SHORTEST_LIMIT = 15 * 60
SLOWEST = 100_000
"""The lowest acceptable rate in bytes per second for files too large for SHORTEST_LIMIT."""
PROGRESS_SECONDS = 20
"""The time between two progress lines."""
MB = 1_000_000
PARTIAL_CONTENT = 206
RANGE_NOT_SATISFIABLE = 416

Answer = Any  # what urlopen returns depends on the URL's scheme


class Refused(Exception):
    """The address does not serve the file; the text says why."""


def download(url: str, part: Path, size: int | None) -> str | None:
    """Download `size` bytes from `url` into `part`; return what went wrong, or None.

    If the size is None, the whole response is taken, checked against its Content-Length if there is one.
    Bytes already in `part` are kept, and the download resumes after them. An interrupted download is resumed
    as long as each attempt brings more bytes. Raises OSError if `part` cannot be written.
    """
    deadline = time.monotonic() + time_limit(size)
    while True:
        before = _size(part)
        problem = _try(url, part, size, deadline)
        if problem is None or _size(part) <= before or time.monotonic() > deadline:
            return problem


def time_limit(size: int | None) -> float:
    """The seconds that a download of this size may take."""
    return max(SHORTEST_LIMIT, (size or 0) / SLOWEST)


def _try(url: str, part: Path, size: int | None, deadline: float) -> str | None:
    try:
        _continue(url, part, size, deadline)
    except Refused as reason:
        return str(reason)
    except urllib.error.HTTPError as failure:
        if failure.code == RANGE_NOT_SATISFIABLE and size is None:
            return None  # an earlier run has it all; the digest decides
        return f"the server answered {failure.code} {failure.reason}"
    except (TimeoutError, urllib.error.URLError, HTTPException, ConnectionError, ssl.SSLError) as failure:
        return _reason(failure)
    return None


def _continue(url: str, part: Path, size: int | None, deadline: float) -> None:
    have = _size(part) if size is None or _size(part) < size else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310
    with urllib.request.urlopen(request, timeout=SILENCE_SECONDS) as answer:  # noqa: S310 - addresses are pinned
        if getattr(answer, "status", None) != PARTIAL_CONTENT:
            have = 0
        whole = _whole_size(answer, have, size)
        with part.open("ab" if have else "wb") as file:
            got = _copy(answer, file, have, whole, deadline)
            file.flush()
            os.fsync(file.fileno())
    if whole is not None and got != whole:
        raise Refused(f"the connection was closed after {got} of {whole} bytes")


def _whole_size(answer: Answer, have: int, size: int | None) -> int | None:
    """The size of the whole file; raises Refused if the server's Content-Length contradicts `size`."""
    length = answer.headers.get("Content-Length", "")
    announced = have + int(length) if length.isdigit() else None
    if size is not None and announced not in (None, size):
        raise Refused(f"wrong size: expected {size} bytes, the server has {announced}")
    return size if size is not None else announced


def _copy(answer: Answer, file: IO[bytes], have: int, whole: int | None, deadline: float) -> int:
    """Append to the `have` bytes in `file` until there are `whole` bytes, or all; return how many there are."""
    got, reported = have, time.monotonic()
    while chunk := answer.read1(CHUNK if whole is None else min(CHUNK, whole - got)):
        file.write(chunk)
        got += len(chunk)
        if time.monotonic() > deadline:
            raise Refused(f"the server is too slow: {got / MB:.1f} MB of {_megabytes(whole)} within the time limit")
        if time.monotonic() > reported + PROGRESS_SECONDS:
            reported = time.monotonic()
            say(f"{got / MB:.0f} MB of {_megabytes(whole)}")
    return got


def _megabytes(size: int | None) -> str:
    return "an unknown size" if size is None else f"{size / MB:.1f} MB"


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _reason(failure: Exception) -> str:
    reason = getattr(failure, "reason", failure)
    if isinstance(reason, TimeoutError):
        return f"no answer within {SILENCE_SECONDS} s"
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
