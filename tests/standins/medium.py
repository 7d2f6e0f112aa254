"""The installer's medium: a menu like CentOS 7's, and an installer that reads a kickstart file."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.integration.rpm_vendor import run
from tests.standins import xfs
from tests.standins.carrier import HERE

LABEL = "CentOS 7 x86_64"
SYSTEM_MIB = 800
"""The disk that the installer writes: the vendor's files, and space for a bake."""
BOOT = Path("/usr/lib/ISOLINUX/isolinux.bin")
MODULES = Path("/usr/lib/syslinux/modules/bios")
MENU = ("ldlinux.c32", "libcom32.c32", "libutil.c32", "vesamenu.c32")
DRIVERS = "virtio_scsi virtio_blk"


def write(root: Path, target: Path, work: Path) -> None:
    """Write a medium to `target` that installs the root; the root's initial RAM disk is replaced meanwhile."""
    tree = work / "medium"
    boot = tree / "isolinux"
    boot.mkdir(parents=True)
    for path in (BOOT, *(MODULES / name for name in MENU), HERE / "installer" / "isolinux.cfg"):
        shutil.copy(path, boot)
    shutil.copy(_only(root, "vmlinuz-*"), boot / "vmlinuz")
    _initrd(root, boot / "initrd.img")
    (tree / "standin").mkdir()
    xfs.write(root, tree / "standin" / "disk.img", mib=SYSTEM_MIB)
    start = ("-b", "isolinux/isolinux.bin", "-c", "isolinux/boot.cat", "-no-emul-boot", "-boot-load-size", "4")
    run("xorriso", "-as", "mkisofs", "-quiet", "-V", LABEL, *start, "-boot-info-table", "-o", target, tree)
    shutil.rmtree(tree)


def _initrd(root: Path, target: Path) -> None:
    """Make the installer's RAM disk, with the root's own dracut and another init."""
    usual = _only(root, "initramfs-*")
    kept = usual.with_suffix(".kept")
    usual.rename(kept)
    conf, init = root / "etc/dracut.conf.d/installer.conf", root / "installer"
    conf.write_text(f'add_drivers+=" {DRIVERS} "\n')
    shutil.copy(HERE / "installer" / "init", init)
    init.chmod(0o755)
    run("chroot", root, "env", "STANDIN_INIT=/installer", "/usr/sbin/dracut", "--regenerate-all", "--force")
    usual.rename(target)
    kept.rename(usual)
    for path in (conf, init):
        path.unlink()


def _only(root: Path, pattern: str) -> Path:
    (path,) = (root / "boot").glob(pattern)
    return path
