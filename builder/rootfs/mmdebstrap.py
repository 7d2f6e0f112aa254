"""Roots of Debian made by mmdebstrap, with a cache of packages that concurrent runs share."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from builder.core import paths
from builder.core.errors import UserError
from builder.core.files import locked, publish, sha256
from builder.core.run import CommandFailed, contain, need, stream
from builder.rootfs.mirror import KEYRING, Mirror

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


SECONDS = 30 * 60
WITHOUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*")
MERGED_USR = "/usr/share/mmdebstrap/hooks/merged-usr"
"""mmdebstrap's own hooks, which merge /usr by links, as debootstrap does."""
NEEDED = ("/usr/share/doc/*/copyright",)
MIRROR_FAULTS = (
    *("Failed to fetch", "Could not resolve", "Could not connect", "Unable to connect", "timed out"),
    *("does not have a Release file", "is not signed", "not live until", "is expired"),
)
"""What apt says when it is the mirror that fails."""
REASONS_SHOWN = 3

ROOM_HINT = "make room, or set VIPFORGE_CACHE to a folder on a larger disk"
USERS_ROOM_HINT = f"{ROOM_HINT}; or it is /tmp that is full: set TMPDIR to a folder on a disk that all users may enter"
"""Roots of users other than root lie there (`_environment`), and Debian 13 keeps it in memory."""


@dataclass(frozen=True)
class Recipe:
    """What a root holds; `first` are its essential hooks, run before the packages come, `hooks` those run after.

    `slim`: /usr is merged by links, for which else the package usrmerge comes, and all of Perl with it; and the
    sources of locales stay out. Together they are 17 MiB of a compressed image.
    """

    release: str
    packages: tuple[str, ...]
    hooks: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    slim: bool = False

    @property
    def without(self) -> tuple[str, ...]:
        """What dpkg leaves out, as its patterns."""
        return (*WITHOUT, "/usr/share/i18n/locales/*", "/usr/share/i18n/charmaps/*") if self.slim else WITHOUT

    def text(self) -> str:
        """The recipe as one text, for a layer's inputs."""
        merged = (MERGED_USR,) if self.slim else ()
        return "\n".join((self.release, *self.packages, *self.first, *self.hooks, *self.without, *merged))


def make_root(recipe: Recipe, mirror: Mirror, target: Path, log: Path) -> None:
    """Write the root as a tar to `target` (/dev/null: only the hooks matter); mmdebstrap's words go to `log`.

    Raises HostLacks without mmdebstrap, UserError where the mirror does not answer, CommandFailed otherwise.
    """
    with log.open("w") as words, _kept_packages(recipe, log.parent) as kept:
        argv = _argv(recipe, mirror, target, kept)
        try:
            stream(_held_of_mmdebstrap(argv), _into(words.write), timeout=SECONDS, env=_environment(log.parent))
        except CommandFailed as failure:
            raise _explained(failure, mirror) from failure


@contextmanager
def _kept_packages(recipe: Recipe, folder: Path) -> Iterator[list[str]]:
    with tempfile.TemporaryDirectory(dir=folder) as work, lent(recipe.release, Path(work)) as words:
        yield words


def _argv(recipe: Recipe, mirror: Mirror, target: Path, kept: Sequence[str]) -> list[str]:
    program = need("mmdebstrap", "mmdebstrap")
    options = [
        "--variant=minbase",
        "--architectures=amd64",
        f"--keyring={KEYRING}",
        f"--include={','.join(recipe.packages)}",
    ]
    options += [
        "--aptopt=Acquire::Languages none",
        "--aptopt=Acquire::http::Timeout 20",
        "--aptopt=Acquire::Retries 2",
    ]
    options += [f"--dpkgopt=path-exclude={path}" for path in recipe.without]
    options += [f"--dpkgopt=path-include={path}" for path in NEEDED]
    options += [f"--hook-dir={MERGED_USR}"] if recipe.slim else []
    options += [f"--essential-hook={hook}" for hook in recipe.first]
    options += [f"--customize-hook={hook}" for hook in recipe.hooks]
    return [program, *options, *kept, recipe.release, str(target), *mirror.lines()]


def _held_of_mmdebstrap(argv: Sequence[str]) -> list[str]:
    """The command, bound to end with us. mmdebstrap makes its own user namespace when it is not root."""
    if os.geteuid() == 0:
        return contain(argv)
    need("newuidmap", "uidmap")
    return ["setpriv", "--pdeathsig", "TERM", "--", *argv]


def _environment(work: Path) -> dict[str, str]:
    # The roots of a killed run lie in the workspace, which the next run sweeps. As another user they must lie
    # where a mapped user can get to, which a home folder need not be.
    return {"TMPDIR": str(work)} if os.geteuid() == 0 else {}


def _into(write: Callable[[str], object]) -> Callable[[str], None]:
    def keep(line: str) -> None:
        write(line + "\n")

    return keep


def _explained(failure: CommandFailed, mirror: Mirror) -> UserError:
    reasons = [line.strip() for line in failure.tail if any(words in line for words in MIRROR_FAULTS)]
    if reasons:
        shown = "".join(f"\n    {line}" for line in list(dict.fromkeys(reasons))[:REASONS_SHOWN])
        return UserError(
            f"the Debian mirror {mirror.address} did not give what was asked:{shown}",
            hint="is the mirror up? name another in the spec (image: mirror) or in this host's apt set-up",
        )
    if any("No space left on device" in line for line in failure.tail):
        return UserError("the disk is full", hint=ROOM_HINT if os.geteuid() == 0 else USERS_ROOM_HINT)
    return failure
