"""The checks of this host: programs, packages, permissions, acceleration, memory and disks."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from pathlib import Path

from builder.core import paths
from builder.core.errors import HostLacks, UserError
from builder.core.run import contain, find_program, need, run
from builder.doctor import Finding, check, supplies
from builder.host.packer import NoPacker, packer
from builder.host.qemu import qemu, version_of, why_not_kvm
from builder.image.packer import program
from builder.sources.fetch import is_offline
from builder.spec.model import Cluster

SECONDS = 20
OLDEST_PYTHON = (3, 11)
GIB = 1 << 30
ROOM_GIB = 3
"""The most that a bake needs: an unpacked root, the guest's disk and the finished image."""
GUEST_GIB = 1
PAIR_GIB = 2
KIB_PER_GIB = 1 << 20
MEMINFO = Path("/proc/meminfo")
SLOWLY = "guests run under TCG: expect a first bake of about 7 minutes, later ones of about 4"


def examine(cluster: Cluster | None = None) -> list[Finding]:
    """Run all checks, including those for a spec if one is given; takes at most half a minute."""
    return [*program_findings(), *machine_findings(), *supplies.supply_findings(cluster)]


def machine_findings() -> list[Finding]:
    """Acceleration, memory, and free space in the cache folder and the build folder."""
    build = Path(os.environ.get("VIPFORGE_BUILD") or "build").absolute()
    return [_acceleration(), _memory(), _room("cache folder", paths.cache()), _room("build folder", build)]


def _acceleration() -> Finding:
    override = os.environ.get("VIPFORGE_ACCEL")
    if override:
        return Finding("KVM", "note", f"not checked: VIPFORGE_ACCEL={override} is set", "unset it to check KVM")
    try:
        reason = why_not_kvm()
    except UserError as failure:
        return Finding("KVM", "note", f"not checked: {failure.message}")
    if reason:
        return Finding("KVM", "note", reason, SLOWLY)
    return Finding("KVM", "ok", "a kernel starts under KVM")


def _memory() -> Finding:
    kib = re.search(r"MemAvailable:\s+(\d+)", MEMINFO.read_text())
    free = int(kib[1]) / KIB_PER_GIB if kib else 0
    found = f"{free:.1f} GiB available"
    if free < GUEST_GIB:
        return Finding("memory", "lacks", found, f"a bake needs {GUEST_GIB} GiB")
    if free < PAIR_GIB:
        return Finding("memory", "note", found, f"enough for a bake; a running pair needs {PAIR_GIB} GiB")
    return Finding("memory", "ok", found)


def _room(name: str, folder: Path) -> Finding:
    home = next(each for each in (folder, *folder.parents) if each.is_dir())
    free = shutil.disk_usage(home).free / GIB
    found = f"{folder}: {free:.1f} GiB free"
    variable = "VIPFORGE_CACHE" if name.startswith("cache") else "VIPFORGE_BUILD"
    elsewhere = f"set {variable} to another folder"
    if not os.access(home, os.W_OK) and folder == paths.cache() and folder.is_dir():
        return Finding(
            name, "note", f"{folder} cannot be written", "layers and sources in it can be used, but none can be added"
        )
    if not os.access(home, os.W_OK):
        return Finding(name, "lacks", f"{folder} cannot be written", elsewhere)
    if free < ROOM_GIB:
        return Finding(name, "lacks", found, f"a bake needs {ROOM_GIB} GiB: free some space, or {elsewhere}")
    return Finding(name, "ok", found)


def program_findings() -> list[Finding]:
    """Python, Packer, QEMU, mmdebstrap, namespaces and Debian packages."""
    return [
        _python(),
        _packer(),
        check("QEMU", lambda: version_of(qemu())),
        check("qemu-img", lambda: _first_line("qemu-img", "qemu-utils")),
        check("mmdebstrap", lambda: _first_line("mmdebstrap", "mmdebstrap")),
        check("namespaces", _namespaces),
        _packages(),
    ]


def _python() -> Finding:
    version = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        return Finding("Python", "lacks", version, "install Python 3.11 or later")
    return Finding("Python", "ok", version)


def _packer() -> Finding:
    """This host's Packer, or the one that vipforge uses instead."""
    try:
        facts = packer()
    except NoPacker as lacking:
        return Finding("Packer", "lacks", lacking.message, lacking.hint) if lacking.is_named else _own_packer(lacking)
    return Finding("Packer", "ok", f"{facts.text} ({facts.path})")


def _own_packer(lacking: NoPacker) -> Finding:
    found, refused = f"vipforge's own {program.OWN.version}", "".join(f"; {reason}" for reason in lacking.unfit)
    advice = lacking.hint if lacking.unfit else ""
    if program.is_available_offline():
        return Finding("Packer", "ok", f"{found} is cached{refused}", advice)
    if is_offline(offline=False):
        carry = "on a host that can reach a Debian mirror, run: vipforge sources fetch packer (docs/offline.md)"
        return Finding("Packer", "lacks", f"{found} is not cached{refused}", carry)
    return Finding("Packer", "note", f"{found} will be fetched by the first bake{refused}", advice)


def _first_line(program: str, package: str) -> str:
    return run([need(program, package), "--version"], timeout=SECONDS).out.splitlines()[0]


def _namespaces() -> str:
    hint = "allow user namespaces (sysctl kernel.unprivileged_userns_clone=1), or run vipforge as root"
    try:
        run(contain(["true"], network=False), timeout=SECONDS)
    except UserError as failure:
        raise HostLacks(f"namespaces cannot be created: {failure.message}", hint=hint) from failure
    if os.geteuid() == 0:
        return "can be created as root"
    need("newuidmap", "uidmap")
    try:
        run(["unshare", "--user", "--map-auto", "--map-root-user", "true"], timeout=SECONDS)
    except UserError as failure:
        raise HostLacks(
            "this user has no subordinate UIDs or GIDs", hint="add a range for the user to /etc/subuid and /etc/subgid"
        ) from failure
    return "can be created as this user"


def _packages() -> Finding:
    if find_program("dpkg-query") is None:
        return Finding("packages", "note", "not checked: this host has no dpkg")
    required = debian_packages(paths.resources("debian-packages.txt"))
    status = run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *required], timeout=SECONDS, check=False
    )
    installed = {line.split()[0] for line in status.out.splitlines() if line.endswith(" installed")}
    lacking = [name for name in required if name not in installed]
    if lacking:
        advice = f"apt-get install --no-install-recommends {' '.join(lacking)}"
        return Finding("packages", "lacks", f"not installed: {', '.join(lacking)}", advice)
    return Finding("packages", "ok", f"all {len(required)} Debian packages are installed")


def debian_packages(path: Path) -> list[str]:
    """The package names in debian-packages.txt: the first word of each line, without comments."""
    lines = [line.partition("#")[0].split() for line in path.read_text().splitlines()]
    return [words[0] for words in lines if words]
