"""Debian roots created by mmdebstrap, with a cache of packages that concurrent runs share."""

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
from builder.core.quoting import shell_word
from builder.core.run import CommandFailed, contain, need, stream
from builder.rootfs.mirror import KEYRING, Mirror

PACKAGES = "packages"
LOCK_SECONDS = 5 * 60
KEPT_SECONDS = 30 * 24 * 60 * 60
"""A package that no bake has used for this long is an outdated version."""
ARCHIVES = "/var/cache/apt/archives"

SECONDS = 30 * 60
EXCLUDED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*")
MERGED_USR = "/usr/share/mmdebstrap/hooks/merged-usr"
"""mmdebstrap's hooks that merge /usr with symlinks, as debootstrap does."""
INCLUDED = ("/usr/share/doc/*/copyright",)
"""Licences, which are kept although EXCLUDED matches them."""
MIRROR_ERRORS = (
    *("Failed to fetch", "Could not resolve", "Could not connect", "Unable to connect", "timed out"),
    *("does not have a Release file", "is not signed", "not live until", "is expired"),
)
"""Text in apt's output that points to the mirror as the cause of a failure."""
REASONS_SHOWN = 3

ROOM_HINT = "free some space, or set VIPFORGE_CACHE to a folder on a larger disk"
USERS_ROOM_HINT = f"{ROOM_HINT}; if /tmp is full, set TMPDIR to a folder on a larger disk that all users can enter"
"""For users other than root, whose roots are in /tmp (`_environment`), which Debian 13 keeps in memory."""


@dataclass(frozen=True)
class Recipe:
    """What a root contains. `first` are essential hooks, which run before packages are installed; `hooks` run after.

    In a `slim` root, /usr is merged with symlinks, which otherwise takes the package usrmerge and all of Perl, and the
    sources of locales are left out. Together they are 17 MiB of a compressed image.
    """

    release: str
    packages: tuple[str, ...]
    hooks: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    slim: bool = False

    @property
    def excluded(self) -> tuple[str, ...]:
        """The files that dpkg does not unpack, as patterns."""
        return (*EXCLUDED, "/usr/share/i18n/locales/*", "/usr/share/i18n/charmaps/*") if self.slim else EXCLUDED

    def text(self) -> str:
        """The recipe as one text, which is an input of layers."""
        merged = (MERGED_USR,) if self.slim else ()
        return "\n".join((self.release, *self.packages, *self.first, *self.hooks, *self.excluded, *merged))


def make_root(recipe: Recipe, mirror: Mirror, target: Path, log: Path) -> None:
    """Write the root as a tar to `target` (/dev/null if only the hooks matter), and mmdebstrap's output to `log`.

    Raises HostLacks if mmdebstrap is missing, UserError if the mirror fails or the disk is full, else CommandFailed.
    """
    with log.open("w") as file, _package_cache(recipe, log.parent) as options:
        argv = _argv(recipe, mirror, target, options)
        try:
            stream(_contained(argv), _line_writer(file.write), timeout=SECONDS, env=_environment(log.parent))
        except CommandFailed as failure:
            raise _explained(failure, mirror) from failure


@contextmanager
def _package_cache(recipe: Recipe, folder: Path) -> Iterator[list[str]]:
    with tempfile.TemporaryDirectory(dir=folder) as work, shared_debs(recipe.release, Path(work)) as options:
        yield options


def _argv(recipe: Recipe, mirror: Mirror, target: Path, package_cache: Sequence[str]) -> list[str]:
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
    options += [f"--dpkgopt=path-exclude={path}" for path in recipe.excluded]
    options += [f"--dpkgopt=path-include={path}" for path in INCLUDED]
    options += [f"--hook-dir={MERGED_USR}"] if recipe.slim else []
    options += [f"--essential-hook={hook}" for hook in recipe.first]
    options += [f"--customize-hook={hook}" for hook in recipe.hooks]
    return [program, *options, *package_cache, recipe.release, str(target), *mirror.lines()]


def _contained(argv: Sequence[str]) -> list[str]:
    """The command, wrapped to end with vipforge. Unless it is root, mmdebstrap creates a user namespace itself."""
    if os.geteuid() == 0:
        return contain(argv)
    need("newuidmap", "uidmap")
    return ["setpriv", "--pdeathsig", "TERM", "--", *argv]


def _environment(work: Path) -> dict[str, str]:
    # Root's roots are in the workspace, so that the next run removes those of a killed run. Other users' roots must be
    # where a mapped user can enter, which need not be the case for a home folder.
    return {"TMPDIR": str(work)} if os.geteuid() == 0 else {}


def _line_writer(write: Callable[[str], object]) -> Callable[[str], None]:
    def write_line(line: str) -> None:
        write(line + "\n")

    return write_line


def _explained(failure: CommandFailed, mirror: Mirror) -> UserError:
    reasons = [line.strip() for line in failure.tail if any(text in line for text in MIRROR_ERRORS)]
    if reasons:
        shown = "".join(f"\n    {line}" for line in list(dict.fromkeys(reasons))[:REASONS_SHOWN])
        return UserError(
            f"downloading packages from the Debian mirror {mirror.address} failed:{shown}",
            hint="check that the mirror is up, or name another in the spec (image: mirror) or in /etc/apt",
        )
    if any("No space left on device" in line for line in failure.tail):
        return UserError("the disk is full", hint=ROOM_HINT if os.geteuid() == 0 else USERS_ROOM_HINT)
    return failure


def deb_folder(release: str) -> Path:
    """The folder with cached packages of a release, as SHA256_NAME.deb with apt's file names."""
    return paths.cache(PACKAGES, release)


@contextmanager
def shared_debs(release: str, work: Path) -> Iterator[list[str]]:
    """Options for mmdebstrap that give cached packages to apt, and collect what apt downloads for the cache.

    Packages are copied through the folder `work`, so that concurrent runs do not interfere. A read-only cache is
    only read.
    """
    inbound, outbound = work / "debs-in", work / "debs-out"
    inbound.mkdir()
    outbound.mkdir()
    cached: dict[str, Path] = {}
    with suppress(OSError), _locked_folder(release) as folder:
        cached = _copy_in(folder, inbound)
    yield [
        "--skip=essential/unlink",
        f'--setup-hook=mkdir -p "$1"{ARCHIVES}',
        f"--setup-hook=sync-in {shell_word(str(inbound))} {ARCHIVES}",
        f"--customize-hook=sync-out {ARCHIVES} {shell_word(str(outbound))}",
    ]
    with suppress(OSError), _locked_folder(release) as folder:
        _copy_out(folder, outbound, cached)


@contextmanager
def _locked_folder(release: str) -> Iterator[Path]:
    folder = deb_folder(release)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_suffix(".lock"), f"the packages of {release}", timeout=LOCK_SECONDS):
        yield folder


def _copy_in(folder: Path, inbound: Path) -> dict[str, Path]:
    """Copy the intact packages to `inbound`; returns their paths in the cache by apt's file names."""
    cached = {}
    for deb in folder.glob("*.deb"):
        digest, _, name = deb.name.partition("_")
        shutil.copyfile(deb, inbound / name)
        if sha256(inbound / name) == digest:
            cached[name] = deb
        else:
            (inbound / name).unlink()
    return cached


def _copy_out(folder: Path, outbound: Path, cached: dict[str, Path]) -> None:
    """Add downloaded packages to the cache, mark those that were used, and remove those unused for KEPT_SECONDS."""
    for deb in outbound.glob("*.deb"):
        if deb.name in cached and cached[deb.name].exists():  # the cache may have been pruned since
            os.utime(cached[deb.name])
            continue
        temporary = folder / f".{deb.name}.{secrets.token_hex(4)}"
        shutil.copyfile(deb, temporary)
        publish(temporary, folder / f"{sha256(temporary)}_{deb.name}")
    for old in folder.glob("*.deb"):
        if time.time() - old.stat().st_mtime > KEPT_SECONDS:
            old.unlink()
