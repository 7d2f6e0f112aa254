"""Roots of the RPM family, made by this host's dnf from the vendor's repositories, for compiling natively.

Every package's signature is checked, with a key whose fingerprint is known here: the mirror is not trusted.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

from builder.core import paths
from builder.core.errors import UserError
from builder.core.files import write_atomic
from builder.core.run import CommandFailed, need, run, stream
from builder.guests import Repositories, Toolchain
from builder.rootfs.disk import guest_root
from builder.sources.download import download

SECONDS = 30 * 60
GPG_SECONDS = 30
PRIMARY_KEY = re.compile(r"^pub:.*\n(?:(?!sub:|pub:).*\n)*?fpr:+([0-9A-F]{40}):", re.MULTILINE)
"""In gpg's listing by colons (GnuPG's doc/DETAILS): the first `fpr` after `pub` is that of the primary key."""
KEY = "RPM-GPG-KEY"
MIRROR_FAULTS = ("Cannot download", "Failed to download", "Curl error", "No URLs in mirrorlist", "Cannot find a valid")
"""What dnf says when it is the mirror that fails."""
REASONS_SHOWN = 3
MIRROR_HINT = "is it up, and does it have all folders? name another in the spec (image: mirror)"

MAIN = """\
[main]
gpgcheck=1
install_weak_deps=0
tsflags=nodocs
plugins=0
retries=2
timeout=20
reposdir={work}/none
varsdir={work}/none
cachedir={work}/cache
persistdir={work}/persist
logdir={work}
"""
REPOSITORY = """
[{name}]
name={name}
baseurl={addresses}
gpgkey=file://{key}
enabled={enabled}
"""


@dataclass(frozen=True)
class Root:
    """What a root holds and where it comes from."""

    repositories: Repositories
    mirrors: tuple[str, ...]
    packages: tuple[str, ...]
    toolchain: Toolchain | None = None
    """Where some of the packages come from: they are installed after those that bring its key."""

    @property
    def later(self) -> tuple[str, str, str]:
        """Its repository, its packages, and the folder of its programs; empty without one."""
        chain = self.toolchain
        return (chain.repository, " ".join(chain.packages), chain.programs) if chain else ("", "", "")

    @property
    def first(self) -> str:
        """The packages of the other repositories."""
        later = self.toolchain.packages if self.toolchain else ()
        return " ".join(package for package in self.packages if package not in later)


def compile_in(root: Root, files: Mapping[str, Path], options: tuple[str, ...], result: Path, log: Path) -> None:
    """Make the root, put the files into its /build, run /build/build.sh there, keep its /build/result.tar.

    Raises HostLacks without dnf or gpg, UserError where no mirror gives what is asked or its key is another one.
    """
    need("dnf", "dnf")
    work = log.parent.parent / "dnf"
    (work / "build").mkdir(parents=True)
    for name, path in files.items():
        shutil.copyfile(path, work / "build" / name)
    _trusted_key(root, work / KEY)
    write_atomic(work / "dnf.conf", configuration(root, work))
    script = paths.resources("packer", "roots", "rpm.sh")
    words = (root.repositories.release, root.first, *root.later, *options)
    try:
        _run(["sh", script, work, *words], log)
    except CommandFailed as failure:
        raise _explained(failure, root.mirrors) from failure
    shutil.copyfile(work / "build" / "result.tar", result)


def configuration(root: Root, work: Path) -> str:
    """dnf.conf (dnf.conf(5)): these repositories, nothing of the host's own."""
    own = [_repository(root, name, path, work / KEY) for name, path in root.repositories.paths]
    chain = root.toolchain
    later = [_repository(root, chain.repository, chain.path, f"{work}/root{chain.key}", enabled=0)] if chain else []
    return "".join((MAIN.format(work=work), *own, *later))


def _repository(root: Root, name: str, path: str, key: Path | str, *, enabled: int = 1) -> str:
    addresses = " ".join(f"{mirror}/{path}/" for mirror in root.mirrors)
    return REPOSITORY.format(name=name, addresses=addresses, key=key, enabled=enabled)


def _run(argv: Sequence[str | Path], log: Path) -> None:
    alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--"]  # so that a user may mount proc, too
    with log.open("w") as words:
        stream(guest_root([*alone, *argv]), partial(_keep, words), timeout=SECONDS)


def _keep(words: TextIO, line: str) -> None:
    words.write(line + "\n")


def _trusted_key(root: Root, place: Path) -> None:
    """Write the vendor's signing key to `place`, from the first mirror that has it.

    Raises UserError where no mirror has it, or where one gives another key or a further one.
    """
    wrong = []
    for mirror in root.mirrors:
        url = f"{mirror}/{root.repositories.key}"
        downloaded = place.with_name(f"{place.name}.downloaded")
        reason = download(url, downloaded, None)
        if reason is None:
            write_atomic(place, only_key(downloaded, url, root.repositories.fingerprint))
            return
        wrong.append(f"\n    {url}: {reason}")
    raise UserError(f"no mirror has the vendor's signing key:{''.join(wrong)}", hint=MIRROR_HINT)


def only_key(file: Path, url: str, fingerprint: str) -> str:
    """The key of that fingerprint in ASCII armour, if the file at `url` holds it and no other; else raises UserError.

    dnf trusts every key of a file that it is given, so it gets what gpg has read and not the download: two readers of
    one file could see different keys in it.
    """
    with tempfile.TemporaryDirectory(dir=file.parent, prefix="gpg.") as home:
        gpg = [need("gpg", "gpg"), "--batch", "--no-autostart", "--homedir", home]
        run([*gpg, "--import", file], timeout=GPG_SECONDS, check=False)
        listed = run([*gpg, "--with-colons", "--list-keys"], timeout=GPG_SECONDS, check=False).out
        found = PRIMARY_KEY.findall(listed)
        if found != [fingerprint] or len(re.findall(r"^pub:", listed, re.MULTILINE)) != 1:
            holds = ", ".join(found) or "no key"
            raise UserError(
                f"{url} must hold the vendor's signing key {fingerprint} alone, and it holds {holds}",
                hint="the mirror is wrong or was tampered with; name another in the spec (image: mirror)",
            )
        return run([*gpg, "--armor", "--export", fingerprint], timeout=GPG_SECONDS).out


def _explained(failure: CommandFailed, mirrors: tuple[str, ...]) -> UserError:
    reasons = [line.strip() for line in failure.tail if any(words in line for words in MIRROR_FAULTS)]
    if not reasons:
        return failure
    shown = "".join(f"\n    {line}" for line in list(dict.fromkeys(reasons))[:REASONS_SHOWN])
    return UserError(f"{' and '.join(mirrors)} did not give what was asked:{shown}", hint=MIRROR_HINT)
