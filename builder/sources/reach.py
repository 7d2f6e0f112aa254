"""Whether a pinned file can be had now, without fetching it."""

from __future__ import annotations

import os
import threading
import urllib.request
from functools import cache
from http.client import HTTPException
from pathlib import Path
from queue import Empty, Queue
from time import monotonic

from builder.sources.fetch import cached, is_offline
from builder.sources.pins import Pin

SECONDS = 5


def in_reach(pin: Pin, *, offline: bool) -> bool:
    """Whether the cache, a folder of VIPFORGE_MIRROR or one of its addresses has it; SECONDS at most in all.

    Digests are left to `fetch`: a base is large. Without connections (`offline`, VIPFORGE_OFFLINE) none is asked.
    """
    folders = filter(None, os.environ.get("VIPFORGE_MIRROR", "").split(":"))
    if any(_fits(path, pin) for path in (cached(pin), *(Path(folder) / pin.file for folder in folders))):
        return True
    return not is_offline(offline) and _anybody(pin.urls)


def answers(url: str, *, offline: bool) -> bool:
    """Whether an address answers now; without connections (`offline`, VIPFORGE_OFFLINE), whether it is a file here."""
    return (url.startswith("file:") or not is_offline(offline)) and _anybody((url,))


def _fits(path: Path, pin: Pin) -> bool:
    return path.is_file() and pin.size in (None, path.stat().st_size)


@cache
def _anybody(urls: tuple[str, ...]) -> bool:
    """Whether one of the addresses answers. The threads are left behind: looking up a name knows no time limit."""
    answers: Queue[bool] = Queue()
    for url in urls:
        threading.Thread(target=lambda each=url: answers.put(_answers(each)), daemon=True).start()
    deadline = monotonic() + SECONDS
    try:
        return any(answers.get(timeout=max(0, deadline - monotonic())) for _ in urls)
    except Empty:
        return False


def _answers(url: str) -> bool:
    try:
        request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - addresses are pinned
        with urllib.request.urlopen(request, timeout=SECONDS):  # noqa: S310
            return True
    except (OSError, HTTPException, ValueError):
        return False
