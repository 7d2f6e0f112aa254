"""KVM or TCG: whether /dev/kvm really runs guests, found out by starting one.

/dev/kvm may open and run QEMU's firmware, and yet never start a stock kernel (seen on nested virtualisation
without VMX or SVM). So a kernel is started once, without a disk, and its first line on the serial port waited for.
The answer is remembered for this boot of the host, this QEMU and this kernel.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Literal

from builder import paths
from builder.errors import TimedOut, UserError
from builder.files import locked, sha256, write_atomic
from builder.host.emulator import qemu, version_of
from builder.progress import say, warn
from builder.run import contain, run

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
