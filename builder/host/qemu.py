"""QEMU on this host: which emulator runs guests, and whether they can use KVM."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Literal

from builder.core import paths
from builder.core.errors import HostLacks, InvalidOption, TimedOut
from builder.core.files import locked, sha256, write_atomic
from builder.core.progress import say, warn
from builder.core.run import contain, need, run

Accelerator = Literal["kvm", "tcg"]

PROGRAM, PACKAGE = "qemu-system-x86_64", "qemu-system-x86"
OLDEST = (5, 1)
"""The first release that reads and writes zstd-compressed qcow2 images."""
ANSWER_SECONDS = 20
VERSION = re.compile(r"^QEMU emulator version ((\d+)\.(\d+)\S*)", re.MULTILINE)

KVM = Path("/dev/kvm")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
CPUINFO = Path("/proc/cpuinfo")
BOOT_SECONDS = 10
"""A kernel without a disk panics within 1 s under KVM, and within 4 s under TCG."""
LOCK_SECONDS = 60
FIRST_LINE = "Linux version"


def accelerator(kernel: Path | None = None) -> Accelerator:
    """How guests run on this host; VIPFORGE_ACCEL, if set, overrides the check.

    `kernel` is the kernel to try (a bzImage). Without one, the kernel of a cached foundation or of this host is
    tried; without any, the CPU's flags decide. Answers are cached until the host boots again.
    """
    override = os.environ.get("VIPFORGE_ACCEL", "")
    if override not in ("", "kvm", "tcg"):
        raise InvalidOption(f"VIPFORGE_ACCEL is {override!r}", hint="set it to kvm or tcg, or unset it")
    if override:
        return "kvm" if override == "kvm" else "tcg"
    reason = why_not_kvm(kernel)
    if reason is None:
        return "kvm"
    warn(f"guests run under TCG, several times slower: {reason}")
    return "tcg"


def why_not_kvm(kernel: Path | None = None) -> str | None:
    """Why guests cannot run under KVM; None if they can."""
    if not KVM.exists():
        return f"this host has no {KVM}"
    error = _open_error(KVM)
    if error:
        return f"{KVM} cannot be opened ({error}); on Debian, members of the group kvm may open it"
    tried = kernel or _some_kernel()
    if tried is None:
        return None if _has_virtualisation() else f"{KVM} opens, but the CPU has neither VMX nor SVM"
    if _starts_under_kvm(tried):
        return None
    return f"{KVM} opens, but a stock kernel does not start under it"


def boots(kernel: Path, how: Accelerator) -> bool:
    """Whether a kernel prints its first line. Without a disk it then panics, which ends QEMU."""
    machine = ["-machine", f"q35,accel={how}", "-m", "256", "-nodefaults", "-no-user-config", "-no-reboot"]
    console = ["-display", "none", "-serial", "stdio"]
    start = ["-kernel", str(kernel), "-append", "console=ttyS0 panic=-1"]
    try:
        done = run(contain([qemu(), *machine, *console, *start]), timeout=BOOT_SECONDS, check=False)
    except TimedOut:
        return False
    return FIRST_LINE in done.out


def _starts_under_kvm(kernel: Path) -> bool:
    """The cached answer for this kernel from the same boot of the host, or a new one, which is then cached."""
    record = paths.cache("host", "kvm.json")
    digest = sha256(kernel)
    answer = _read(record).get(digest)
    if answer is not None:
        return answer
    try:
        with locked(record.with_suffix(".lock"), "the KVM check", timeout=LOCK_SECONDS):
            return _check_once(kernel, digest, record)
    except OSError:  # the cache is on a read-only medium
        return boots(kernel, "kvm")


def _check_once(kernel: Path, digest: str, record: Path) -> bool:
    answers = _read(record)
    if digest not in answers:
        say(f"checking whether KVM starts a kernel (at most {BOOT_SECONDS} s)")
        answers[digest] = boots(kernel, "kvm")
        write_atomic(record, json.dumps({"host": _host(), "kernels": answers}, indent=2) + "\n")
    return answers[digest]


def _read(record: Path) -> dict[str, bool]:
    """Answers by the kernel's SHA-256; empty if they are from another host, boot or QEMU."""
    try:
        content = json.loads(record.read_text())
        return dict(content["kernels"]) if content["host"] == _host() else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _host() -> str:
    facts = (BOOT_ID.read_text().strip(), version_of(qemu()))
    return hashlib.sha256(" ".join(facts).encode()).hexdigest()


def _open_error(device: Path) -> str | None:
    try:
        os.close(os.open(device, os.O_RDWR))
    except OSError as failure:
        return failure.strerror
    return None


def _some_kernel() -> Path | None:
    """The kernel of a cached foundation, else this host's own; None if neither can be read."""
    own = Path("/boot") / f"vmlinuz-{os.uname().release}"
    candidates = [*sorted(paths.cache("layers", "foundation").glob("*/vmlinuz")), own]
    return next((path for path in candidates if os.access(path, os.R_OK)), None)


def _has_virtualisation() -> bool:
    return bool({"vmx", "svm"} & set(CPUINFO.read_text().split()))


def qemu() -> Path:
    """The path of qemu-system-x86_64; raises HostLacks if it is missing or older than 5.1."""
    path = Path(need(PROGRAM, PACKAGE))
    version_of(path)
    return path


def version_of(path: Path) -> str:
    """The version that this QEMU reports, such as `7.2.22`; raises HostLacks if it is too old or not QEMU."""
    found = VERSION.search(run([path, "--version"], timeout=ANSWER_SECONDS).out)
    if not found:
        raise HostLacks(f"{path} does not print a QEMU version", hint=f"apt-get install {PACKAGE}")
    if (int(found[2]), int(found[3])) < OLDEST:
        raise HostLacks(f"{path} is QEMU {found[1]}; 5.1 or later is required", hint="install a newer QEMU")
    return found[1]
