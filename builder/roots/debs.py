"""Packages that were downloaded once: kept between bakes in the cache, and checked before they are used again.

apt checks what it downloads against the archive's signed lists, but takes what lies in its archives for granted when
the size is right. So the digest of every package is noted when apt has just checked it, and only a package that still
has its digest is given to the next apt.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from builder import paths
from builder.files import locked, publish, sha256

PACKAGES = "packages"
LOCK_SECONDS = 5 * 60
KEPT_SECONDS = 30 * 24 * 60 * 60
"""A package that no bake has asked for that long is a version that is no more."""
ARCHIVES = "/var/cache/apt/archives"


def store(release: str) -> Path:
    """The folder of a release's packages: SHA256_NAME.deb, with NAME as apt writes it."""
    return paths.cache(PACKAGES, release)


@contextmanager
def lent(release: str, work: Path) -> Iterator[list[str]]:
    """Words for mmdebstrap that give the kept packages to its apt, and keep what that downloads.

    `work` is a folder for the copies, so that runs at the same time do not meet. A cache that cannot be written is
    read all the same.
    """
    given, taken = work / "debs-in", work / "debs-out"
    given.mkdir()
    taken.mkdir()
    known: dict[str, Path] = {}
    with suppress(OSError), _held(release):
        known = _lend(store(release), given)
    yield [
        "--skip=essential/unlink",
        f'--setup-hook=mkdir -p "$1"{ARCHIVES}',
        f"--setup-hook=sync-in {given} {ARCHIVES}",
        f"--customize-hook=sync-out {ARCHIVES} {taken}",
    ]
    with suppress(OSError), _held(release):
        _keep(store(release), taken, known)


@contextmanager
def _held(release: str) -> Iterator[None]:
    place = store(release)
    place.mkdir(parents=True, exist_ok=True)
    with locked(place.with_suffix(".lock"), f"the packages of {release}", timeout=LOCK_SECONDS):
        yield


def _lend(place: Path, given: Path) -> dict[str, Path]:
    """Copy what is whole; returns the places of what was copied, by the names that apt knows."""
    known = {}
    for kept in place.glob("*.deb"):
        digest, _, name = kept.name.partition("_")
        shutil.copyfile(kept, given / name)
        if sha256(given / name) == digest:
            known[name] = kept
        else:
            (given / name).unlink()
    return known


def _keep(place: Path, taken: Path, known: dict[str, Path]) -> None:
    """Keep what was downloaded, note what was used, and let go what nobody has used for long."""
    for deb in taken.glob("*.deb"):
        if deb.name in known and known[deb.name].exists():  # the cache may have been pruned since
            os.utime(known[deb.name])
            continue
        aside = place / f".{deb.name}.{secrets.token_hex(4)}"
        shutil.copyfile(deb, aside)
        publish(aside, place / f"{sha256(aside)}_{deb.name}")
    for old in place.glob("*.deb"):
        if time.time() - old.stat().st_mtime > KEPT_SECONDS:
            old.unlink()
