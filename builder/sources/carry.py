"""Many sources at once: what the cache holds of the pins, and filling it before going where no mirror is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from builder.core.errors import UserError
from builder.core.files import publish
from builder.core.progress import say, warn
from builder.sources import Pin, every, pin
from builder.sources.fetch import fetch, is_cached

DIGEST_SHOWN = 16
MB = 1_000_000
MANY = "put these files into a folder and name that folder in VIPFORGE_MIRROR (docs/offline.md)"


def listing() -> list[dict[str, Any]]:
    """Every pin as plain data: name, version, file, size in bytes, digest with its algorithm, whether it is cached."""
    return [_described(each) for each in every()]


def source_table() -> str:
    """The same for people, one pin a line."""
    rows = [
        f"{row['name']:<16}{row['version']:<15}{_size(row):>11}  {row['digest'][:DIGEST_SHOWN]}…  {_state(row)}"
        for row in listing()
    ]
    return "\n".join(rows)


def chosen(words: Sequence[str]) -> list[Pin]:
    """The pins that are asked for as NAME or NAME=VERSION.

    Raises UserError for a name or a version that is not pinned.
    """
    return list(dict.fromkeys(each for word in words for each in _meant(word)))


def of_kind(*, bases: bool) -> list[Pin]:
    """All pins that are bases, or all that are none."""
    return [each for each in every() if each.is_base == bases]


def fetch_all(pins: Sequence[Pin], *, offline: bool, debian: str | None, to: Path | None = None) -> list[Path]:
    """Bring every pin into the cache, and into the folder `to` as well where it is given.

    One that cannot be had does not stop the others; then UserError names all of them.
    """
    brought, failures = [], []
    say(_announced(pins))
    for each in pins:
        try:
            place = fetch(each, offline=offline, debian=debian)
            brought.append(_copied(place, to) if to else place)
            say(f"{each.name} {each.version}: {brought[-1]}")
        except UserError as failure:
            warn(f"{each.name} {each.version}: not fetched")
            failures.append(failure)
    if failures:
        raise _summary(failures, len(pins))
    return brought


def _announced(pins: Sequence[Pin]) -> str:
    """What will be fetched, and how much it is."""
    missing = [each for each in pins if not is_cached(each)]
    listed = ", ".join(f"{each.name} {each.version} ({_megabytes(each)})" for each in missing)
    have = len(pins) - len(missing)
    total = sum(each.size or 0 for each in missing) / MB
    less = " and what is not told" if any(each.size is None for each in missing) else ""
    cached = f"{have} of {len(pins)} sources in the cache"
    return f"{cached}; to fetch, {total:.1f} MB{less}: {listed}" if missing else cached


def _megabytes(each: Pin) -> str:
    return f"{each.size / MB:.1f} MB" if each.size else "size not told"


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
    return f"{row['size']} B" if row["size"] else "not told"


def _state(row: dict[str, Any]) -> str:
    return "cached" if row["cached"] else "not cached"


def _meant(word: str) -> Iterator[Pin]:
    name, _, version = word.partition("=")
    named = [each for each in every() if each.name == name]
    if not named:
        names = ", ".join(sorted({each.name for each in every()}))
        raise UserError(f"no source is named {name}", hint=f"use one of: {names}, or NAME=VERSION")
    yield from [pin(name, version)] if version else named


def _copied(place: Path, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{place.name}.part"
    shutil.copyfile(place, part)
    publish(part, folder / place.name)
    return folder / place.name


def _summary(failures: Sequence[UserError], asked: int) -> UserError:
    told = "\n".join(failure.message for failure in failures)
    hints = {failure.hint for failure in failures}
    hint = hints.pop() if len(hints) == 1 else MANY
    return UserError(f"{len(failures)} of {asked} sources could not be had\n{told}", hint=hint)
