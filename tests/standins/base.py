"""The vendor's media: its packages installed over the carrier, as a disk and as an installer's CD."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.integration.rpm_vendor import run
from tests.standins import medium, packages, xfs
from tests.standins.kinds import Kind
from tests.standins.packages import OPTIONS

DISK_MIB = 3 * 1024


def write(kind: Kind, carrier: Path, on_disk: Sequence[Path], work: Path, target: Path) -> None:
    """Write the guest's media into the folder `target`."""
    tree = work / "root"
    run("cp", "-al", carrier, tree)
    if kind.is_old:
        _guard(tree)
    _install(tree, on_disk)
    _make_bootable(tree, kind.drivers)
    raw = work / "disk.raw"
    xfs.write(tree, raw, mib=DISK_MIB)
    run("qemu-img", "convert", "-O", "qcow2", raw, target / f"{kind.guest}.qcow2")
    raw.unlink()
    if kind.is_old:
        _uninstall(tree, "cloud-init")
        medium.write(tree, target / "installer.iso", work)
    subprocess.run(["rm", "-rf", tree], check=True)


def _install(tree: Path, on_disk: Sequence[Path]) -> None:
    aside = tree / "standin"
    aside.mkdir(exist_ok=True)
    for path in on_disk:
        shutil.copy(path, aside)
    output = run("chroot", tree, "sh", "-c", "rpm --install --nodeps --nosignature /standin/*.rpm 2>&1")
    assert "failed" not in output, output
    shutil.rmtree(aside)


def _uninstall(tree: Path, name: str) -> None:
    """Remove a package that the installer's medium lacks."""
    run("chroot", tree, "rpm", "--erase", "--nodeps", name)
    shutil.rmtree(tree / f"etc/systemd/system/{name}.target.wants")


def _make_bootable(tree: Path, drivers: str) -> None:
    conf = tree / "etc/dracut.conf.d"
    conf.mkdir(parents=True)
    (conf / "vendor.conf").write_text(f'add_drivers+=" {drivers} "\n')
    run("chroot", tree, "/usr/sbin/dracut", "--regenerate-all", "--force")
    (conf / "vendor.conf").unlink()
    (tree / "boot/grub2").mkdir()
    run("chroot", tree, "/usr/sbin/grub2-mkconfig", "--output=/boot/grub2/grub.cfg")


def _guard(tree: Path) -> None:
    """Make the carrier's own programs refuse every option that CentOS 7's release lacks."""
    packages.guard(tree)
    shutil.copy(OPTIONS / "options", tree / "fake" / "options")
    for unit in (tree / "usr/lib/systemd/system").glob("systemd-*.service"):
        text = unit.read_text()
        if "=journalctl " in text:  # systemd's own units come from the carrier's release
            unit.unlink()
            unit.write_text(text.replace("=journalctl ", "=/fake/does/journalctl "))
    for name in ("halt", "poweroff", "reboot", "shutdown", "runlevel", "telinit"):
        link = tree / "usr/sbin" / name
        link.unlink()
        link.symlink_to("/fake/does/systemctl")
