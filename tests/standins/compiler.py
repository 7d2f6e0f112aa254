"""The vendor's compilers: the carrier's gcc with what it needs, and a newer gcc in another repository."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.integration.rpm_vendor import Signer, run
from tests.standins import packages
from tests.standins.carrier import Carrier
from tests.standins.packages import Package

NEEDED = ("usr/bin", "usr/sbin", "usr/lib/x86_64-linux-gnu", "usr/lib64", "etc/alternatives")
"""Paths of the carrier's root that the compiler needs."""
PROVIDES = (
    *("make", "pkgconfig", "coreutils", "sed", "grep", "gawk", "diffutils", "tar", "gzip", "findutils"),
    *("openssl-devel", "libnl3-devel"),
)
NEWER = "opt/rh/devtoolset-11/root/usr/bin"
NEWER_KEY = "etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-SIG-SCLo"


def package(carrier: Carrier, work: Path) -> Path:
    """Build one unsigned package with the compiler and everything that it needs."""
    tree = work / "gcc"
    for name in NEEDED:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        run("cp", "-a", carrier.root / name, tree / name)
    run("cp", "-a", f"{carrier.compiler}/.", tree)
    for name in ("bin", "sbin", "lib", "lib64"):  # /usr is merged in the carrier, and not in Debian's packages
        if (tree / name).is_dir():
            run("cp", "-a", f"{tree / name}/.", tree / "usr" / name)
            shutil.rmtree(tree / name)
        (tree / name).symlink_to(f"usr/{name}")
    return packages.build(Package("gcc", provides=PROVIDES), tree, work, release="1")


def collection(work: Path, vendor: Signer, other: Signer) -> tuple[Path, Path]:
    """Build the vendor's package with another signer's key, and the newer compiler, signed with that key."""
    keys, programs = work / "keys", work / "newer"
    (keys / NEWER_KEY).parent.mkdir(parents=True)
    (keys / NEWER_KEY).write_text(other.key)
    (programs / NEWER).mkdir(parents=True)
    (programs / NEWER / "gcc").symlink_to("/usr/bin/gcc")
    release = packages.build(Package("centos-release-scl-rh"), keys, work, release="1")
    compiler = packages.build(Package("devtoolset-11-gcc"), programs, work, release="1")
    vendor.sign(release)
    other.sign(compiler)
    return release, compiler
