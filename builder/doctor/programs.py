"""The programs and permissions that the work needs."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from builder import paths
from builder.doctor.finding import Finding, asked
from builder.errors import HostLacks, UserError
from builder.host import packer, qemu
from builder.host.emulator import version_of
from builder.host.hashicorp import PackerFacts
from builder.run import contain, find, need, run

SECONDS = 20
OLDEST_PYTHON = (3, 11)
PLUGINS_APART_SINCE = (1, 10, 0)
"""From this release on Packer comes without its qemu builder (packer CHANGELOG, 1.10.0)."""
QEMU_PLUGIN = "github.com/hashicorp/qemu"


def findings() -> list[Finding]:
    """Python, Packer, QEMU, mmdebstrap, namespaces, Debian packages."""
    return [
        _python(),
        asked("Packer", _packer),
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


def _packer() -> str:
    facts = packer()
    if facts.version >= PLUGINS_APART_SINCE:
        _need_qemu_plugin(facts)
    return f"{facts.text} ({facts.path})"


def _need_qemu_plugin(facts: PackerFacts) -> None:
    listed = run([facts.path, "plugins", "installed"], timeout=SECONDS, check=False).out
    if "packer-plugin-qemu" not in listed:
        raise HostLacks(f"Packer {facts.text} has no qemu builder", hint=f"{facts.path} plugins install {QEMU_PLUGIN}")


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
