"""QEMU's system emulator for the guests' architecture."""

from __future__ import annotations

import re
from pathlib import Path

from builder.errors import HostLacks
from builder.run import need, run

PROGRAM, PACKAGE = "qemu-system-x86_64", "qemu-system-x86"
OLDEST = (5, 1)
"""The first release that reads and writes qcow2 with zstd."""
ANSWER_SECONDS = 20
VERSION = re.compile(r"^QEMU emulator version ((\d+)\.(\d+)\S*)", re.MULTILINE)


def qemu() -> Path:
    """The path of qemu-system-x86_64; raises HostLacks without it, or where it is older than 5.1."""
    path = Path(need(PROGRAM, PACKAGE))
    version_of(path)
    return path


def version_of(path: Path) -> str:
    """What this QEMU says its version is: `7.2.22`; raises HostLacks where that will not do."""
    found = VERSION.search(run([path, "--version"], timeout=ANSWER_SECONDS).out)
    if not found:
        raise HostLacks(f"{path} does not tell a QEMU version", hint=f"apt-get install {PACKAGE}")
    if (int(found[2]), int(found[3])) < OLDEST:
        raise HostLacks(f"{path} is QEMU {found[1]}, and 5.1 or later is needed", hint="install a newer QEMU")
    return found[1]
