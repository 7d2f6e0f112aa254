"""The carrier: a root of Debian 12 from which the stand-in guests are made, and how it is split into packages."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from builder.rootfs import layers, mmdebstrap
from builder.rootfs.mirror import mirror
from builder.rootfs.mmdebstrap import Recipe
from tests.integration.rpm_vendor import run
from tests.standins import xfs

HERE = Path(__file__).parent
RELEASE = "bookworm"
PACKAGES = (
    *("linux-image-cloud-amd64", "systemd-sysv", "udev", "dbus", "kmod", "sudo", "iproute2", "iputils-ping"),
    *(
        "netbase",
        "procps",
        "logrotate",
        "tzdata",
        "busybox-static",
        "cpio",
        "rpm",
        "dnf",
        "gpg",
        "nftables",
        "xfsprogs",
    ),
    *("cloud-init", "cloud-guest-utils", "openssh-server", "rsyslog", "chrony", "haproxy", "firewalld", "psmisc"),
    *("libnl-3-200", "libnl-genl-3-200", "libnss-myhostname"),
)
NO_INITRD = (
    'chroot "$1" dpkg-divert --quiet --local --rename --add /usr/sbin/update-initramfs\n'
    'ln -s /bin/true "$1/usr/sbin/update-initramfs"\n'
)
"""The kernel's package would make an initial RAM disk; the stand-in of dracut makes its own."""
NOT_OF_THE_VENDOR = ("usr/lib/systemd/system/", "etc/init.d/", "etc/default/", "etc/rsyslog.d/", "etc/systemd/")
"""Files of a Debian package that only Debian uses."""


@dataclass(frozen=True)
class Carrier:
    """The unpacked root, and beside it the files of the compiler's packages."""

    root: Path
    compiler: Path

    def take(self, debs: tuple[str, ...], staging: Path) -> None:
        """Move the files of Debian's packages from the root to `staging`."""
        for deb in debs:
            for name in self._listed(deb):
                path = self._merged(name)
                source, target = self.root / path, staging / path
                if source.is_dir() and not source.is_symlink():
                    continue
                if not path.startswith(NOT_OF_THE_VENDOR) and (source.is_symlink() or source.exists()):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(source, target, follow_symlinks=False)
                source.unlink(missing_ok=True)

    def strip(self) -> None:
        """Remove what only Debian uses from the root, and lay it out as the RPM family does."""
        run("sh", HERE / "strip.sh", self.root, xfs.UUID)

    def _listed(self, deb: str) -> list[str]:
        names = (line.removeprefix("/") for line in run("chroot", self.root, "dpkg", "-L", deb).splitlines())
        return [name for name in names if "/" in name]

    def _merged(self, name: str) -> str:
        """Return the path of a file in a merged /usr."""
        return f"usr/{name}" if name.startswith(("bin/", "sbin/", "lib/", "lib64/")) else name


@contextmanager
def carrier(folder: Path) -> Iterator[Carrier]:
    """Unpack the carrier's root in `folder`; its tar is kept in the cache."""
    recipe = Recipe(RELEASE, PACKAGES, ((HERE / "carrier.sh").read_text(),), first=(NO_INITRD,), slim=True)
    layer = layers.layer("standin-carrier", {"recipe": recipe.text()}, lambda place: _make(recipe, place))
    root = folder / "carrier"
    root.mkdir()
    try:
        run("tar", "-x", "--exclude=./dev/*", "--numeric-owner", "-f", layer / "root.tar", "-C", root)
        compiler = folder / "compiler"
        (root / "standin" / "compiler").rename(compiler)
        yield Carrier(root, compiler)
    finally:
        subprocess.run(["rm", "-rf", "--one-file-system", root], check=True)


def _make(recipe: Recipe, place: Path) -> None:
    mmdebstrap.make_root(recipe, mirror(RELEASE), place / "root.tar", place / "mmdebstrap.log")
