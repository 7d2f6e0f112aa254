"""QEMU on this host: whether it can use KVM, and which emulator runs a guest."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Literal

from builder.core import paths
from builder.core.errors import HostLacks, TimedOut, UserError
from builder.core.files import locked, sha256, write_atomic
from builder.core.progress import say, warn
from builder.core.run import contain, need, run

Accelerator = Literal["kvm", "tcg"]

KVM = Path("/dev/kvm")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
CPUINFO = Path("/proc/cpuinfo")
BOOT_SECONDS = 10
"""A kernel without a disk panics within 1 s under KVM, and within 4 s even under TCG."""
LOCK_SECONDS = 60
FIRST_LINE = "Linux version"


def accelerator(kernel: Path | None = None) -> Accelerator:
    """How guests run on this host; VIPFORGE_ACCEL decides where it is set.

    `kernel` is the kernel to try (a bzImage). Without one, an earlier answer counts, then the kernel of any cached
    foundation or of this host is tried, then the CPU's flags decide.
    """
    wanted = os.environ.get("VIPFORGE_ACCEL", "")
    if wanted not in ("", "kvm", "tcg"):
        raise UserError(f"VIPFORGE_ACCEL is {wanted!r}", hint="set it to kvm or tcg, or unset it")
    if wanted:
        return "kvm" if wanted == "kvm" else "tcg"
    reason = why_not_kvm(kernel)
    if reason is None:
        return "kvm"
    warn(f"guests run under TCG, several times slower: {reason}")
    return "tcg"


def why_not_kvm(kernel: Path | None = None) -> str | None:
    """What keeps guests from running under KVM; None if nothing does."""
    if not KVM.exists():
        return f"this host has no {KVM}"
    refused = _refusal(KVM)
    if refused:
        return f"{KVM} does not open ({refused}); on Debian the group kvm may open it"
    tried = kernel or _some_kernel()
    if tried is None:
        return None if _has_virtualisation() else f"{KVM} opens, but the CPU shows neither VMX nor SVM"
    if _remembered(tried):
        return None
    return f"{KVM} opens, but a stock kernel does not start under it"


def boots(kernel: Path, how: Accelerator) -> bool:
    """Whether a kernel prints its first line; without a disk it then panics, and QEMU ends with it."""
    machine = ["-machine", f"q35,accel={how}", "-m", "256", "-nodefaults", "-no-user-config", "-no-reboot"]
    console = ["-display", "none", "-serial", "stdio"]
    start = ["-kernel", str(kernel), "-append", "console=ttyS0 panic=-1"]
    try:
        done = run(contain([qemu(), *machine, *console, *start]), timeout=BOOT_SECONDS, check=False)
    except TimedOut:
        return False
    return FIRST_LINE in done.out


def _remembered(kernel: Path) -> bool:
    """The answer for this kernel: the one noted on this boot of the host, or one found now and noted."""
    note = paths.cache("host", "kvm.json")
    digest = sha256(kernel)
    known = _read(note).get(digest)
    if known is not None:
        return known
    try:
        with locked(note.with_suffix(".lock"), "the check of KVM", timeout=LOCK_SECONDS):
            return _find_out(kernel, digest, note)
    except OSError:  # a cache that was carried here on a medium that cannot be written
        return boots(kernel, "kvm")


def _find_out(kernel: Path, digest: str, note: Path) -> bool:
    answers = _read(note)
    if digest not in answers:
        say(f"checking whether KVM starts a kernel (at most {BOOT_SECONDS} s)")
        answers[digest] = boots(kernel, "kvm")
        write_atomic(note, json.dumps({"host": _host(), "kernels": answers}, indent=2) + "\n")
    return answers[digest]


def _read(note: Path) -> dict[str, bool]:
    """Answers by the kernel's SHA-256; none where they were noted on another host, boot or QEMU."""
    try:
        noted = json.loads(note.read_text())
        return dict(noted["kernels"]) if noted["host"] == _host() else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _host() -> str:
    facts = (BOOT_ID.read_text().strip(), version_of(qemu()))
    return hashlib.sha256(" ".join(facts).encode()).hexdigest()


def _refusal(device: Path) -> str | None:
    try:
        os.close(os.open(device, os.O_RDWR))
    except OSError as failure:
        return failure.strerror
    return None


def _some_kernel() -> Path | None:
    """The kernel of a cached foundation, or this host's own where it can be read."""
    own = Path("/boot") / f"vmlinuz-{os.uname().release}"
    found = [*sorted(paths.cache("layers", "foundation").glob("*/vmlinuz")), own]
    return next((path for path in found if os.access(path, os.R_OK)), None)


def _has_virtualisation() -> bool:
    return bool({"vmx", "svm"} & set(CPUINFO.read_text().split()))


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
