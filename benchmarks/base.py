"""The plain base image with which every contestant is compared: Debian 12, a kernel, cloud-init, sshd.

    .venv/bin/python -m benchmarks.base BASE.qcow2

It corresponds to a downloaded cloud image, but is built from the Debian mirror once and kept in the cache.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from builder.core import paths
from builder.rootfs import disk, layers, mmdebstrap
from builder.rootfs.mirror import mirror
from builder.rootfs.mmdebstrap import Recipe

RELEASE = "bookworm"
GIB = 8
PACKAGES = (
    *("linux-image-cloud-amd64", "initramfs-tools", "zstd", "grub-pc", "systemd-sysv", "udev", "dbus", "cloud-init"),
    *("netplan.io", "openssh-server", "sudo", "iproute2", "iputils-ping", "netbase", "procps", "kmod", "e2fsprogs"),
    *("cloud-guest-utils", "tzdata", "systemd-timesyncd", "ca-certificates", "apt", "isc-dhcp-client"),
)
GRUB = paths.resources("packer", "roots", "grub.sh").read_text()
"""Installs the boot loader in the same way as for appliances, so that the disk boots by itself."""
HOOKS = (GRUB, 'chroot "$1" systemctl --quiet enable systemd-networkd.service')
RECIPE = Recipe(RELEASE, PACKAGES, HOOKS)


def base() -> Path:
    """The base as a qcow2, built unless it is in the cache."""
    inputs = {"recipe": RECIPE.text(), "disk": f"{GIB} GiB, {disk.FSTAB}"}
    return layers.layer("benchmark-base", inputs, _make) / "disk.qcow2"


def _make(folder: Path) -> None:
    tar = folder / "root.tar"
    mmdebstrap.make_root(RECIPE, mirror(RELEASE), tar, folder / "mmdebstrap.log")
    root = disk.unpack(tar, folder.parent / "root")
    try:
        root.write("etc/fstab", disk.FSTAB)
        disk.write_disk(root, folder / "disk.qcow2", gib=GIB)
    finally:
        root.remove()
    tar.unlink()


if __name__ == "__main__":
    shutil.copyfile(base(), sys.argv[1])
