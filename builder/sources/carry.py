"""Many sources at once: which ones are cached, and fetching them to carry to a host without access to mirrors."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from builder.core.errors import InvalidOption, UserError
from builder.core.files import publish
from builder.core.progress import say, warn
from builder.sources import Pin, all_pins, pin
from builder.sources.fetch import fetch, is_cached

DIGEST_SHOWN = 16
MB = 1_000_000
SUMMARY_HINT = "put these files into a folder and set VIPFORGE_MIRROR to that folder (docs/offline.md)"


def listing() -> list[dict[str, Any]]:
    """Every pin as plain data: name, version, file, size in bytes, algorithm and digest, and whether it is cached."""
    return [_described(each) for each in all_pins()]


def source_table() -> str:
    """The listing as a table, one line per pin."""
    rows = [
        f"{row['name']:<16}{row['version']:<15}{_size(row):>11}  {row['digest'][:DIGEST_SHOWN]}…  {_state(row)}"
        for row in listing()
    ]
    return "\n".join(rows)


def pins_named(words: Sequence[str]) -> list[Pin]:
    """The pins that NAME or NAME=VERSION stands for.

    Raises UserError for a name or a version that is not pinned.
    """
    return list(dict.fromkeys(each for word in words for each in _matching(word)))


def pins_by_kind(*, bases: bool) -> list[Pin]:
    """All pins that are bases, or all others."""
    return [each for each in all_pins() if each.is_base == bases]


def fetch_all(pins: Sequence[Pin], *, offline: bool, debian: str | None, to: Path | None = None) -> list[Path]:
    """Fetch every pin into the cache, and copy it to the folder `to` if one is given.

    A file that is unavailable does not stop the others; UserError lists all such files at the end.
    """
    fetched, failures = [], []
    say(_announcement(pins))
    for each in pins:
        try:
            place = fetch(each, offline=offline, debian=debian)
            fetched.append(_copied(place, to) if to else place)
            say(f"{each.name} {each.version}: {fetched[-1]}")
        except UserError as failure:
            warn(f"{each.name} {each.version}: not fetched")
            failures.append(failure)
    if failures:
        raise _summary(failures, len(pins))
    return fetched


def _announcement(pins: Sequence[Pin]) -> str:
    """What will be fetched, and its size."""
    missing = [each for each in pins if not is_cached(each)]
    listed = ", ".join(f"{each.name} {each.version} ({_megabytes(each)})" for each in missing)
    have = len(pins) - len(missing)
    total = sum(each.size or 0 for each in missing) / MB
    unknown = " plus files of unknown size" if any(each.size is None for each in missing) else ""
    cached = f"{have} of {len(pins)} sources are cached"
    return f"{cached}; {total:.1f} MB{unknown} to fetch: {listed}" if missing else cached


def _megabytes(each: Pin) -> str:
    return f"{each.size / MB:.1f} MB" if each.size else "size unknown"


def _described(each: Pin) -> dict[str, Any]:
    return {
        "name": each.name,
        "version": each.version,
        "file": each.file,
        "size": each.size,
        "algorithm": each.algorithm,
        "digest": each.digest,
        "cached": is_cached(each),
    }


def _size(row: dict[str, Any]) -> str:
    return f"{row['size']} B" if row["size"] else "unknown"


def _state(row: dict[str, Any]) -> str:
    return "cached" if row["cached"] else "not cached"


def _matching(word: str) -> Iterator[Pin]:
    name, _, version = word.partition("=")
    named = [each for each in all_pins() if each.name == name]
    if not named:
        names = ", ".join(sorted({each.name for each in all_pins()}))
        raise InvalidOption(f"unknown source {name}", hint=f"use NAME or NAME=VERSION, with one of: {names}")
    yield from [pin(name, version)] if version else named


def _copied(place: Path, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{place.name}.part"
    shutil.copyfile(place, part)
    publish(part, folder / place.name)
    return folder / place.name


def _summary(failures: Sequence[UserError], total: int) -> UserError:
    messages = "\n".join(failure.message for failure in failures)
    hints = {failure.hint for failure in failures}
    hint = hints.pop() if len(hints) == 1 else SUMMARY_HINT
    return UserError(f"{len(failures)} of {total} sources are unavailable\n{messages}", hint=hint)
