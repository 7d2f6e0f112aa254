"""The machine: how guests run on it, and the room that it has."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from builder import paths
from builder.doctor.finding import Finding
from builder.errors import UserError
from builder.host.acceleration import why_not_kvm

GIB = 1 << 30
ROOM_GIB = 3
"""What a bake needs at most: a root unpacked, the guest's disk, the finished image."""
GUEST_GIB = 1
PAIR_GIB = 2
KIB_PER_GIB = 1 << 20
MEMINFO = Path("/proc/meminfo")
SLOWLY = "guests run under TCG: expect a first bake of about 7 minutes, later ones of about 4"


def findings() -> list[Finding]:
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
