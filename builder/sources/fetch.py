"""Pinned upstream files: what they are, where they come from, and the cache that holds them."""

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


def refuse_offline(asked: bool, work: str) -> None:
    """Raise UserError where connections are forbidden and `work` needs one, because the cache lacks its result."""
    if is_offline(asked):
        raise UserError(
            f"{work} needs the mirror, and connections are forbidden (offline)",
            hint="bake once where a mirror is in reach and carry the cache over (docs/offline.md)",
        )


SECONDS = 5


def in_reach(pin: Pin, *, offline: bool) -> bool:
    """Whether the cache, a folder of VIPFORGE_MIRROR or one of its addresses has it; SECONDS at most in all.

    Digests are left to `fetch`: a base is large. Without connections (`offline`, VIPFORGE_OFFLINE) none is asked.
    """
    folders = filter(None, os.environ.get("VIPFORGE_MIRROR", "").split(":"))
    if any(_fits(path, pin) for path in (cached(pin), *(Path(folder) / pin.file for folder in folders))):
        return True
    return not is_offline(offline) and _anybody(pin.urls)


def responds(url: str, *, offline: bool) -> bool:
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


LOCK_SECONDS = 30 * 60
ROOM_HINT = "make room, or set VIPFORGE_CACHE to a folder on a larger disk"


class NotFetched(UserError):
    """No address gave the file; the message says what each of them answered."""


def cached(pin: Pin) -> Path:
    """The pin's place in the cache, which is named after its digest."""
    return paths.cache("sources", pin.algorithm, pin.digest, pin.file)


def is_cached(pin: Pin) -> bool:
    """Whether the cache holds the file, whole and unchanged."""
    return fault(pin, cached(pin)) is None


def fetch(pin: Pin, *, offline: bool, debian: str | None) -> Path:
    """The file of a pin: from the cache, a folder of $VIPFORGE_MIRROR, or its addresses in turn.

    Raises NotFetched. With `offline` (or VIPFORGE_OFFLINE) no socket is opened.
    """
    place = cached(pin)
    with suppress(OSError):  # noted before it is read: what was used of late, `vipforge cache prune` leaves
        os.utime(place)
    if is_cached(pin):
        return place
    try:
        with locked(place.parent / ".lock", pin.file, timeout=LOCK_SECONDS):
            faults = _bring(pin, place, debian, offline=is_offline(offline))
    except OSError as failure:
        raise UserError(f"{place.parent} cannot be written: {failure.strerror}", hint=ROOM_HINT) from failure
    if is_cached(pin):
        return place
    told = "".join(f"\n    {line}" for line in faults)
    size = f"{pin.size} bytes, " if pin.size else ""
    wanted = f"\n    wanted: {size}{pin.algorithm} {pin.digest}"
    raise NotFetched(f"{pin.file} could not be had; tried:{told}{wanted}", hint=_hint(pin))


def is_offline(asked: bool) -> bool:
    """Whether connections are forbidden: by an option, or by VIPFORGE_OFFLINE in the environment."""
    return asked or os.environ.get("VIPFORGE_OFFLINE", "") not in ("", "0")


def fault(pin: Pin, path: Path) -> str | None:
    """What is wrong with a file that claims to be the pin's; None if nothing is."""
    if not path.is_file():
        return "no such file"
    if not os.access(path, os.R_OK):
        return "not readable by this user"
    size = path.stat().st_size
    if pin.size is not None and size != pin.size:
        return f"wrong size: expected {pin.size} bytes, got {size}"
    found = digest(path, pin.algorithm)
    if found != pin.digest:
        return f"wrong {pin.algorithm}: expected {pin.digest}, got {found}"
    return None


def _bring(pin: Pin, place: Path, debian: str | None, *, offline: bool) -> list[str]:
    """Put the file at `place` from the first origin that has it; returns what was wrong with the others."""
    wrong = fault(pin, place)
    if wrong is None:
        return []
    damaged = [f"{place}: {wrong}"] if place.exists() else []
    return [*damaged, *_from_folders(pin, place), *_from_addresses(pin, place, debian, offline=offline)]


def _from_folders(pin: Pin, place: Path) -> Iterator[str]:
    """Try the folders of VIPFORGE_MIRROR (separated by colons); yields what was wrong with each."""
    for folder in filter(None, os.environ.get("VIPFORGE_MIRROR", "").split(":")):
        candidate = Path(folder) / pin.file
        wrong = fault(pin, candidate)
        if wrong is None:
            part = _part(place)
            shutil.copyfile(candidate, part)
            publish(part, place)
            return
        yield f"{candidate}: {wrong}"


def _from_addresses(pin: Pin, place: Path, debian: str | None, *, offline: bool) -> Iterator[str]:
    """Try the addresses in turn; yields what was wrong with each."""
    if is_cached(pin):
        return
    if not debian:
        yield from (f"{url}: this host's apt set-up names no Debian mirror" for url in pin.urls if DEBIAN in url)
    for url in pin.addresses(debian):
        if offline and not url.startswith("file:"):
            yield f"{url}: not asked (offline)"
            continue
        wrong = _download(pin, url, _part(place))
        if wrong is None:
            publish(_part(place), place)
            return
        yield f"{url}: {wrong}"


def _download(pin: Pin, url: str, part: Path) -> str | None:
    """Fetch `url` into `part`, going on where an earlier run stopped; returns what went wrong."""
    say(f"fetching {url}")
    continued = part.is_file()
    wrong = download(url, part, pin.size)
    if wrong:
        return wrong
    wrong = fault(pin, part)
    if wrong:
        part.unlink()
        if continued:  # the wrong bytes may be the earlier run's
            return _download(pin, url, part)
    return wrong


def _part(place: Path) -> Path:
    return place.with_name(place.name + ".part")


def _hint(pin: Pin) -> str:
    return (
        f"put {pin.file} into a folder and name that folder in VIPFORGE_MIRROR (docs/offline.md);"
        " where there is internet access, `vipforge sources fetch SPEC --to FOLDER` brings all that a spec needs"
    )
