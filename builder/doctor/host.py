"""What this host has and lacks for the work, and what follows from it."""

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
from builder.doctor import Finding, asked, supplies
from builder.host.packer import NoPacker, packer
from builder.host.qemu import qemu, version_of, why_not_kvm
from builder.image.packer import program
from builder.sources.fetch import is_offline
from builder.spec.model import Cluster


def examine(cluster: Cluster | None = None) -> list[Finding]:
    """Look at everything, for a spec where one is given; takes half a minute at most."""
    return [*program_findings(), *machine_findings(), *supplies.supply_findings(cluster)]


GIB = 1 << 30
ROOM_GIB = 3
"""What a bake needs at most: a root unpacked, the guest's disk, the finished image."""
GUEST_GIB = 1
PAIR_GIB = 2
KIB_PER_GIB = 1 << 20
MEMINFO = Path("/proc/meminfo")
SLOWLY = "guests run under TCG: expect a first bake of about 7 minutes, later ones of about 4"


def machine_findings() -> list[Finding]:
    """Acceleration, memory, and the disks of the cache and of what is built."""
    build = Path(os.environ.get("VIPFORGE_BUILD") or "build").absolute()
    return [_acceleration(), _memory(), _room("cache folder", paths.cache()), _room("build folder", build)]


def _acceleration() -> Finding:
    wanted = os.environ.get("VIPFORGE_ACCEL")
    if wanted:
        return Finding("KVM", "note", f"VIPFORGE_ACCEL={wanted} decides", "unset it to have KVM checked")
    try:
        reason = why_not_kvm()
    except UserError as failure:
        return Finding("KVM", "note", f"not checked: {failure.message}")
    if reason:
        return Finding("KVM", "note", reason, SLOWLY)
    return Finding("KVM", "ok", "a kernel starts under it")


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
    elsewhere = f"set {variable} to a folder elsewhere"
    if not os.access(home, os.W_OK) and folder == paths.cache() and folder.is_dir():
        return Finding(name, "note", f"{folder} cannot be written", "only the layers and sources in it can be used")
    if not os.access(home, os.W_OK):
        return Finding(name, "lacks", f"{folder} cannot be written", elsewhere)
    if free < ROOM_GIB:
        return Finding(name, "lacks", found, f"a bake needs {ROOM_GIB} GiB: make room, or {elsewhere}")
    return Finding(name, "ok", found)


SECONDS = 20
OLDEST_PYTHON = (3, 11)


def program_findings() -> list[Finding]:
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
    if find_program("dpkg-query") is None:
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
