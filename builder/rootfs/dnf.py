"""Roots of the RPM family, created by this host's dnf from the vendor's repositories, for compiling natively.

The signature of every package is checked with a key whose fingerprint is pinned, so mirrors need not be trusted.
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
from builder.rootfs.disk import as_guest_root
from builder.sources.download import download

SECONDS = 30 * 60
GPG_SECONDS = 30
PRIMARY_KEY = re.compile(r"^pub:.*\n(?:(?!sub:|pub:).*\n)*?fpr:+([0-9A-F]{40}):", re.MULTILINE)
"""In gpg's colon listing (GnuPG's doc/DETAILS), the first `fpr` after `pub` is that of the primary key."""
KEY = "RPM-GPG-KEY"
MIRROR_ERRORS = ("Cannot download", "Failed to download", "Curl error", "No URLs in mirrorlist", "Cannot find a valid")
"""Text in dnf's output that points to the mirror as the cause of a failure."""
REASONS_SHOWN = 3
MIRROR_HINT = "check that the mirror is up and complete, or name another in the spec (image: mirror)"

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
gpgkey={key}
enabled={enabled}
"""


@dataclass(frozen=True)
class Root:
    """What a root contains and where that comes from."""

    repositories: Repositories
    mirrors: tuple[str, ...]
    packages: tuple[str, ...]
    toolchain: Toolchain | None = None
    """The source of some of the packages, which are installed after the package that contains its key."""

    @property
    def later(self) -> tuple[str, str, str]:
        """The toolchain's repository, packages and program folder; empty strings without a toolchain."""
        toolchain = self.toolchain
        return (toolchain.repository, " ".join(toolchain.packages), toolchain.programs) if toolchain else ("", "", "")

    @property
    def first(self) -> str:
        """The packages from the other repositories."""
        later = self.toolchain.packages if self.toolchain else ()
        return " ".join(package for package in self.packages if package not in later)


def compile_in(root: Root, files: Mapping[str, Path], options: tuple[str, ...], result: Path, log: Path) -> None:
    """Create the root, copy the files to its /build, run /build/build.sh there, and take /build/result.tar from it.

    Raises HostLacks if dnf or gpg is missing, and UserError if the mirrors lack something or have another key.
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
    """The dnf.conf(5) with these repositories and without any of the host's."""
    release = [_repository(root, name, path, (work / KEY).as_uri()) for name, path in root.repositories.paths]
    toolchain = root.toolchain
    key = Path(f"{work}/root{toolchain.key}").as_uri() if toolchain else ""
    later = [_repository(root, toolchain.repository, toolchain.path, key, enabled=0)] if toolchain else []
    return "".join((MAIN.format(work=work), *release, *later))


def _repository(root: Root, name: str, path: str, key: str, *, enabled: int = 1) -> str:
    addresses = " ".join(f"{mirror}/{path}/" for mirror in root.mirrors)
    return REPOSITORY.format(name=name, addresses=addresses, key=key, enabled=enabled)


def _run(argv: Sequence[str | Path], log: Path) -> None:
    own_namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--"]  # lets users mount proc, too
    with log.open("w") as file:
        stream(as_guest_root([*own_namespaces, *argv]), partial(_write_line, file), timeout=SECONDS)


def _write_line(log: TextIO, line: str) -> None:
    log.write(line + "\n")


def _trusted_key(root: Root, place: Path) -> None:
    """Write the vendor's signing key to `place`, from the first mirror that has it.

    Raises UserError if no mirror has it, or if a mirror's file contains another key or more than one.
    """
    problems = []
    for mirror in root.mirrors:
        url = f"{mirror}/{root.repositories.key}"
        downloaded = place.with_name(f"{place.name}.downloaded")
        reason = download(url, downloaded, None)
        if reason is None:
            write_atomic(place, only_key(downloaded, url, root.repositories.fingerprint))
            return
        problems.append(f"\n    {url}: {reason}")
    raise UserError(f"no mirror has the vendor's signing key:{''.join(problems)}", hint=MIRROR_HINT)


def only_key(file: Path, url: str, fingerprint: str) -> str:
    """The key with this fingerprint, ASCII-armoured; raises UserError unless the file contains it and no other.

    dnf trusts every key in the file that it is given. It therefore gets gpg's export and not the download itself, in
    which dnf might see other keys than gpg does.
    """
    with tempfile.TemporaryDirectory(dir=file.parent, prefix="gpg.") as home:
        gpg = [need("gpg", "gpg"), "--batch", "--no-autostart", "--homedir", home]
        run([*gpg, "--import", file], timeout=GPG_SECONDS, check=False)
        listed = run([*gpg, "--with-colons", "--list-keys"], timeout=GPG_SECONDS, check=False).out
        fingerprints = PRIMARY_KEY.findall(listed)
        if fingerprints != [fingerprint] or len(re.findall(r"^pub:", listed, re.MULTILINE)) != 1:
            actual = ", ".join(fingerprints) or "no key"
            raise UserError(
                f"{url} must contain only the vendor's signing key {fingerprint}, but contains {actual}",
                hint="the mirror is wrong or was tampered with; name another in the spec (image: mirror)",
            )
        return run([*gpg, "--armor", "--export", fingerprint], timeout=GPG_SECONDS).out


def _explained(failure: CommandFailed, mirrors: tuple[str, ...]) -> UserError:
    reasons = [line.strip() for line in failure.tail if any(text in line for text in MIRROR_ERRORS)]
    if not reasons:
        return failure
    shown = "".join(f"\n    {line}" for line in list(dict.fromkeys(reasons))[:REASONS_SHOWN])
    return UserError(f"downloading packages from {' and '.join(mirrors)} failed:{shown}", hint=MIRROR_HINT)
