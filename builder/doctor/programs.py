"""The programs and permissions that the work needs."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from builder import paths
from builder.bake import program
from builder.doctor.finding import Finding, asked
from builder.errors import HostLacks, UserError
from builder.host import packer, qemu
from builder.host.emulator import version_of
from builder.host.hashicorp import NoPacker
from builder.run import contain, find, need, run
from builder.sources.fetch import is_offline

SECONDS = 20
OLDEST_PYTHON = (3, 11)


def findings() -> list[Finding]:
    """Python, Packer, QEMU, mmdebstrap, namespaces, Debian packages."""
    return [
        _python(),
        _packer(),
        asked("QEMU", lambda: version_of(qemu())),
        asked("qemu-img", lambda: _first_line("qemu-img", "qemu-utils")),
        asked("mmdebstrap", lambda: _first_line("mmdebstrap", "mmdebstrap")),
        asked("namespaces", _namespaces),
        _packages(),
    ]


def _python() -> Finding:
    version = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        return Finding("Python", "lacks", version, "install Python 3.11 or later")
    return Finding("Python", "ok", version)


def _packer() -> Finding:
    """This host's Packer, or what vipforge's own takes its place with."""
    try:
        facts = packer()
    except NoPacker as lacking:
        return Finding("Packer", "lacks", lacking.message, lacking.hint) if lacking.is_named else _own_packer(lacking)
    return Finding("Packer", "ok", f"{facts.text} ({facts.path})")


def _own_packer(lacking: NoPacker) -> Finding:
    found, noted = f"vipforge's own {program.OWN.version}", "".join(f"; {reason}" for reason in lacking.unfit)
    advice = lacking.hint if lacking.unfit else ""
    if program.is_at_hand():
        return Finding("Packer", "ok", f"{found} is cached{noted}", advice)
    if is_offline(asked=False):
        carried = "fetch it where a Debian mirror is in reach: vipforge sources fetch packer (docs/offline.md)"
        return Finding("Packer", "lacks", f"{found} is not cached{noted}", carried)
    return Finding("Packer", "note", f"{found}: the first bake fetches it{noted}", advice)


def _first_line(program: str, package: str) -> str:
    return run([need(program, package), "--version"], timeout=SECONDS).out.splitlines()[0]


def _namespaces() -> str:
    hint = "allow user namespaces (sysctl kernel.unprivileged_userns_clone=1), or work as root"
    try:
        run(contain(["true"], network=False), timeout=SECONDS)
    except UserError as failure:
        raise HostLacks(f"this host makes no namespaces: {failure.message}", hint=hint) from failure
    if os.geteuid() == 0:
        return "made as root"
    need("newuidmap", "uidmap")
    try:
        run(["unshare", "--user", "--map-auto", "--map-root-user", "true"], timeout=SECONDS)
    except UserError as failure:
        raise HostLacks(
            "this user has no subordinate ids", hint="add a range to /etc/subuid and /etc/subgid"
        ) from failure
    return "made as a user"


def _packages() -> Finding:
    if find("dpkg-query") is None:
        return Finding("packages", "note", "this host has no dpkg: its packages are not checked")
    wanted = debian_packages(paths.resources("debian-packages.txt"))
    status = run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *wanted], timeout=SECONDS, check=False)
    installed = {line.split()[0] for line in status.out.splitlines() if line.endswith(" installed")}
    lacking = [name for name in wanted if name not in installed]
    if lacking:
        advice = f"apt-get install --no-install-recommends {' '.join(lacking)}"
        return Finding("packages", "lacks", f"not installed: {', '.join(lacking)}", advice)
    return Finding("packages", "ok", f"all {len(wanted)} Debian packages are installed")


def debian_packages(path: Path) -> list[str]:
    """The names in debian-packages.txt: the first word of each line that is no comment."""
    lines = [line.partition("#")[0].split() for line in path.read_text().splitlines()]
    return [words[0] for words in lines if words]
