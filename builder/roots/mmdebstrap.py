"""Roots of Debian, made by mmdebstrap: as root, or by user namespaces as anybody else."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from builder.errors import UserError
from builder.roots import debs
from builder.roots.mirror import KEYRING, Mirror
from builder.run import CommandFailed, contain, need, stream

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


def make(recipe: Recipe, mirror: Mirror, target: Path, log: Path) -> None:
    """Write the root as a tar to `target` (/dev/null: only the hooks matter); mmdebstrap's words go to `log`.

    Raises HostLacks without mmdebstrap, UserError where the mirror does not answer, CommandFailed otherwise.
    """
    with log.open("w") as words, _kept_packages(recipe, log.parent) as kept:
        argv = _argv(recipe, mirror, target, kept)
        try:
            stream(_held(argv), _into(words.write), timeout=SECONDS, env=_environment(log.parent))
        except CommandFailed as failure:
            raise _explained(failure, mirror) from failure


@contextmanager
def _kept_packages(recipe: Recipe, folder: Path) -> Iterator[list[str]]:
    with tempfile.TemporaryDirectory(dir=folder) as work, debs.lent(recipe.release, Path(work)) as words:
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


def _held(argv: Sequence[str]) -> list[str]:
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
