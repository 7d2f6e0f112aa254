"""Fetching pinned files: from the cache, from folders in VIPFORGE_MIRROR, or from their addresses."""

from __future__ import annotations

import os
import shutil
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from http.client import HTTPException
from pathlib import Path
from queue import Empty, Queue
from time import monotonic

from builder.core import paths
from builder.core.errors import UserError
from builder.core.files import digest, locked, publish
from builder.core.progress import say
from builder.sources import DEBIAN, Pin
from builder.sources.download import download

REACH_SECONDS = 5
"""The most that `in_reach` and `responds` wait for servers."""
LOCK_SECONDS = 30 * 60
ROOM_HINT = "free some space, or set VIPFORGE_CACHE to a folder on a larger disk"


def refuse_offline(offline: bool, work: str) -> None:
    """Raise UserError in offline mode: the cache lacks the result of `work`, which needs a mirror."""
    if is_offline(offline):
        raise UserError(
            f"{work} needs a mirror, and connections are disabled (offline)",
            hint="bake once on a host that can reach a mirror, and copy its cache to this host (docs/offline.md)",
        )


def in_reach(pin: Pin, *, offline: bool) -> bool:
    """Whether the cache, a folder in VIPFORGE_MIRROR or one of the addresses has it; takes at most REACH_SECONDS.

    Digests are not checked here but in `fetch`, since a base is large. In offline mode no address is tried.
    """
    folders = filter(None, os.environ.get("VIPFORGE_MIRROR", "").split(":"))
    if any(_has_size(path, pin) for path in (cached(pin), *(Path(folder) / pin.file for folder in folders))):
        return True
    return not is_offline(offline) and _any_answers(pin.urls)


def responds(url: str, *, offline: bool) -> bool:
    """Whether an address answers now; in offline mode, only the address of a local file can."""
    return (url.startswith("file:") or not is_offline(offline)) and _any_answers((url,))


def _has_size(path: Path, pin: Pin) -> bool:
    return path.is_file() and pin.size in (None, path.stat().st_size)


@cache
def _any_answers(urls: tuple[str, ...]) -> bool:
    """Whether one of the addresses answers. Slow threads are abandoned, since DNS lookups have no time limit."""
    answers: Queue[bool] = Queue()
    for url in urls:
        threading.Thread(target=lambda each=url: answers.put(_answers(each)), daemon=True).start()
    deadline = monotonic() + REACH_SECONDS
    try:
        return any(answers.get(timeout=max(0, deadline - monotonic())) for _ in urls)
    except Empty:
        return False


def _answers(url: str) -> bool:
    try:
        request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - addresses are pinned
        with urllib.request.urlopen(request, timeout=REACH_SECONDS):  # noqa: S310
            return True
    except (OSError, HTTPException, ValueError):
        return False


class NotFetched(UserError):
    """No origin has the file; the message says what went wrong with each of them."""


def cached(pin: Pin) -> Path:
    """The path of the pin's file in the cache, in a folder named after its digest."""
    return paths.cache("sources", pin.algorithm, pin.digest, pin.file)


def is_cached(pin: Pin) -> bool:
    """Whether the cache has the file, complete and unchanged."""
    return mismatch(pin, cached(pin)) is None


def fetch(pin: Pin, *, offline: bool, debian: str | None) -> Path:
    """The file of a pin: from the cache, a folder in VIPFORGE_MIRROR, or one of its addresses, tried in turn.

    Raises NotFetched. In offline mode no socket is opened.
    """
    place = cached(pin)
    with suppress(OSError):  # mark it as used before reading it, so that `vipforge cache prune` keeps it
        os.utime(place)
    if is_cached(pin):
        return place
    try:
        with locked(place.parent / ".lock", pin.file, timeout=LOCK_SECONDS):
            problems = _obtain(pin, place, debian, offline=is_offline(offline))
    except OSError as failure:
        raise UserError(f"{place.parent} cannot be written: {failure.strerror}", hint=ROOM_HINT) from failure
    if is_cached(pin):
        return place
    tried = "".join(f"\n    {line}" for line in problems)
    size = f"{pin.size} bytes, " if pin.size else ""
    expected = f"\n    expected: {size}{pin.algorithm} {pin.digest}"
    raise NotFetched(f"{pin.file} is unavailable; tried:{tried}{expected}", hint=_hint(pin))


def is_offline(offline: bool) -> bool:
    """Whether offline mode is on: by an option, or by VIPFORGE_OFFLINE in the environment."""
    return offline or os.environ.get("VIPFORGE_OFFLINE", "") not in ("", "0")


def mismatch(pin: Pin, path: Path) -> str | None:
    """How the file at `path` differs from the pinned one; None if it does not."""
    if not path.is_file():
        return "no such file"
    if not os.access(path, os.R_OK):
        return "not readable by this user"
    size = path.stat().st_size
    if pin.size is not None and size != pin.size:
        return f"wrong size: expected {pin.size} bytes, got {size}"
    actual = digest(path, pin.algorithm)
    if actual != pin.digest:
        return f"wrong {pin.algorithm}: expected {pin.digest}, got {actual}"
    return None


def _obtain(pin: Pin, place: Path, debian: str | None, *, offline: bool) -> list[str]:
    """Put the file at `place`, from the first origin that has it; returns the problems of the origins before that."""
    problem = mismatch(pin, place)
    if problem is None:
        return []
    damaged = [f"{place}: {problem}"] if place.exists() else []
    return [*damaged, *_from_folders(pin, place), *_from_addresses(pin, place, debian, offline=offline)]


def _from_folders(pin: Pin, place: Path) -> Iterator[str]:
    """Try the folders in VIPFORGE_MIRROR (separated by colons); yields the problem of each that fails."""
    for folder in filter(None, os.environ.get("VIPFORGE_MIRROR", "").split(":")):
        candidate = Path(folder) / pin.file
        problem = mismatch(pin, candidate)
        if problem is None:
            part = _part(place)
            shutil.copyfile(candidate, part)
            publish(part, place)
            return
        yield f"{candidate}: {problem}"


def _from_addresses(pin: Pin, place: Path, debian: str | None, *, offline: bool) -> Iterator[str]:
    """Try the addresses in turn; yields the problem of each that fails."""
    if is_cached(pin):
        return
    if not debian:
        yield from (f"{url}: this host's apt sources name no Debian mirror" for url in pin.urls if DEBIAN in url)
    for url in pin.addresses(debian):
        if offline and not url.startswith("file:"):
            yield f"{url}: not tried (offline)"
            continue
        problem = _download(pin, url, _part(place))
        if problem is None:
            publish(_part(place), place)
            return
        yield f"{url}: {problem}"


def _download(pin: Pin, url: str, part: Path) -> str | None:
    """Download `url` into `part`, resuming where an earlier run stopped; returns what went wrong."""
    say(f"fetching {url}")
    is_resumed = part.is_file()
    problem = download(url, part, pin.size)
    if problem:
        return problem
    problem = mismatch(pin, part)
    if problem:
        part.unlink()
        if is_resumed:  # the wrong bytes may be those of the earlier run
            return _download(pin, url, part)
    return problem


def _part(place: Path) -> Path:
    return place.with_name(place.name + ".part")


def _hint(pin: Pin) -> str:
    return (
        f"put {pin.file} into a folder and set VIPFORGE_MIRROR to that folder (docs/offline.md);"
        " on a host with internet access, `vipforge sources fetch SPEC --to FOLDER` fetches all that a spec needs"
    )
