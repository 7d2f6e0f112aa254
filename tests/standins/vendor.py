"""The vendor: signed repositories, and the disks that a guest is baked from."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from builder import layers
from tests.integration.rpm_vendor import Signer, publish, run
from tests.standins import medium, packages, xfs
from tests.standins.carrier import BUILD_ROOT, HERE, Carrier, carrier
from tests.standins.packages import COMMON, OPTIONS, Package

DISK_MIB = 3 * 1024
MEDIUM = "installer.iso"
TOOLS = "gcc make pkgconfig coreutils sed grep gawk diffutils openssl-devel libnl3-devel tar gzip findutils".split()
DEVTOOLSET = "opt/rh/devtoolset-11/root/usr/bin"


@dataclass(frozen=True)
class Kind:
    """What tells one vendor's guest from another's."""

    guest: str
    own: tuple[Package, ...]
    user: str
    distro: str
    drivers: str
    """In the vendor's initial RAM disk."""
    repositories: tuple[str, ...]
    """Folders of the mirror; the first one has the packages, the second one a newer release file."""
    key: str
    is_old: bool = False


CENTOS7 = Kind(
    "centos7",
    (
        Package("centos-release", version="7.9.2009"),
        *(Package(name) for name in ("grub2-tools", "postfix")),
        Package("policycoreutils-python", on_disk=False),
    ),
    user="centos",
    distro="centos",
    drivers="virtio_scsi",
    repositories=("os/x86_64", "updates/x86_64", "extras/x86_64", "sclo/x86_64/rh"),
    key="os/x86_64/RPM-GPG-KEY-CentOS-7",
    is_old=True,
)
ROCKY9 = Kind(
    "rocky9",
    (
        Package("rocky-release", version="9.8"),
        *(Package(name) for name in ("grub2-tools", "grubby")),
        Package("policycoreutils-python-utils", on_disk=False),
    ),
    user="rocky",
    distro="rocky",
    drivers="virtio_blk virtio_scsi",
    repositories=("BaseOS/x86_64/os", "AppStream/x86_64/os", "CRB/x86_64/os"),
    key="BaseOS/x86_64/os/RPM-GPG-KEY-Rocky-9",
)
KINDS = (CENTOS7, ROCKY9)
FOLDER_OF = {"policycoreutils-python": "semanage", "policycoreutils-python-utils": "semanage"}
"""Packages that are called differently and have the same files."""


@dataclass(frozen=True)
class Vendor:
    """A finished vendor: a mirror for both guests, and a disk for each."""

    folder: Path

    @property
    def mirror(self) -> Path:
        """The folder that a spec names."""
        return self.folder / "mirror"

    @property
    def fingerprint(self) -> str:
        """Of the key that the packages are signed with."""
        return str(json.loads((self.folder / "facts.json").read_text())["fingerprint"])

    @property
    def medium(self) -> Path:
        """The installer's, for CentOS 7."""
        return self.folder / MEDIUM

    def disk(self, guest: str) -> Path:
        """The vendor's base."""
        return self.folder / f"{guest}.qcow2"


def vendor() -> Vendor:
    """The vendor, from the cache or made now."""
    return Vendor(layers.layer("standin-vendor", {"files": _digest()}, _make))


def _digest() -> str:
    """Of every file that the vendor is made from."""
    files = sorted(path for folder in (HERE, OPTIONS) for path in folder.rglob("*") if path.is_file())
    made = hashlib.sha256()
    for path in files:
        if "__pycache__" not in path.parts:
            made.update(f"{path.relative_to(HERE.parent)} {path.stat().st_mode & 0o111}\n".encode())
            made.update(path.read_bytes())
    return made.hexdigest()


def _make(folder: Path) -> None:
    work = folder.parent / "standin"
    work.mkdir()
    signer = Signer.made(work / "gnupg", "vendor@example.com")
    other = Signer.made(work / "gnupg-newer", "collection@example.com")
    with carrier(work) as root:
        compiler = _compiler(root, work)
        signer.sign(compiler)
        taken = packages.trees(root, work / "taken")
        _strip(root)
        for kind in KINDS:
            _Making(folder, work / kind.guest, kind, signer, other).run(root, taken, compiler)
    (folder / "facts.json").write_text(json.dumps({"fingerprint": signer.fingerprint}))
    for each in (signer, other):
        each.end()


@dataclass(frozen=True)
class _Making:
    """One guest's repositories and disk on their way."""

    folder: Path
    work: Path
    kind: Kind
    signer: Signer
    other: Signer

    def run(self, root: Carrier, taken: dict[str, Path], compiler: Path) -> None:
        """All of it."""
        self.work.mkdir()
        built = {each.name: self._build(each, taken) for each in (*COMMON, *self.kind.own)}
        newer = self._build(Package(self.kind.own[0].name, version=f"{self.kind.own[0].version}.1"), taken, "newer")
        publish(self._place(0), compiler, *built.values())
        publish(self._place(1), newer)
        for number in range(2, len(self.kind.repositories)):
            self._place(number).mkdir(parents=True)
        if self.kind.is_old:
            self._collection()
        for number in range(2, len(self.kind.repositories)):
            publish(self._place(number))
        on_disk = [built[each.name] for each in (*COMMON, *self.kind.own) if each.on_disk]
        self._disk(root, on_disk)

    def _place(self, number: int) -> Path:
        return self.folder / "mirror" / self.kind.repositories[number]

    def _build(self, package: Package, taken: dict[str, Path], step: str = "first") -> Path:
        tree = self.work / step / package.name
        shutil.copytree(taken[package.name], tree, symlinks=True) if package.name in taken else tree.mkdir(parents=True)
        packages.lay(FOLDER_OF.get(package.name, package.name), tree)
        if package.name.endswith("-release"):
            self._key(tree)
        if package.name == "cloud-init":
            configuration = tree / "etc/cloud/cloud.cfg"
            text = configuration.read_text().replace("@USER@", self.kind.user)
            configuration.write_text(text.replace("@DISTRO@", self.kind.distro))
        if self.kind.is_old:
            packages.guard(tree)
        made = packages.build(package, tree, self.work / step, release=self.kind.guest)
        self.signer.sign(made)
        return made

    def _key(self, tree: Path) -> None:
        name = self.kind.key.rpartition("/")[2]
        keys = tree / "etc/pki/rpm-gpg"
        keys.mkdir(parents=True)
        (keys / name).write_text(self.signer.key)
        place = self.folder / "mirror" / self.kind.key
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(self.signer.key)

    def _collection(self) -> None:
        """The newer compiler: signed with another key, which a package of the vendor's brings."""
        keys = self.work / "keys"
        (keys / "etc/pki/rpm-gpg").mkdir(parents=True)
        (keys / "etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-SIG-SCLo").write_text(self.other.key)
        release = packages.build(Package("centos-release-scl-rh"), keys, self.work, release="1")
        self.signer.sign(release)
        shutil.copy(release, self._place(2))
        programs = self.work / "devtoolset"
        (programs / DEVTOOLSET).mkdir(parents=True)
        for name in ("gcc", "cc"):
            (programs / DEVTOOLSET / name).symlink_to("/usr/bin/gcc")
        newer = packages.build(Package("devtoolset-11-gcc"), programs, self.work, release="1")
        self.other.sign(newer)
        shutil.copy(newer, self._place(3))

    def _disk(self, root: Carrier, on_disk: list[Path]) -> None:
        tree = self._root(root, on_disk)
        raw = self.work / "disk.raw"
        xfs.write(tree, raw, mib=DISK_MIB)
        run("qemu-img", "convert", "-O", "qcow2", raw, self.folder / f"{self.kind.guest}.qcow2")
        raw.unlink()
        if self.kind.is_old:
            _uninstall(tree, "cloud-init")
            medium.write(tree, self.folder / MEDIUM, self.work)
        subprocess.run(["rm", "-rf", tree], check=True)

    def _root(self, root: Carrier, on_disk: list[Path]) -> Path:
        """The vendor's files, installed, with what starts them."""
        tree = self.work / "root"
        run("cp", "-al", root.root, tree)
        if self.kind.is_old:
            _guard(tree)
        (tree / "standin").mkdir(exist_ok=True)
        for path in on_disk:
            shutil.copy(path, tree / "standin")
        told = run("chroot", tree, "sh", "-c", "rpm --install --nodeps --nosignature /standin/*.rpm 2>&1")
        assert "failed" not in told, told
        shutil.rmtree(tree / "standin")
        conf = tree / "etc/dracut.conf.d"
        conf.mkdir(parents=True)
        (conf / "vendor.conf").write_text(f'add_drivers+=" {self.kind.drivers} "\n')
        run("chroot", tree, "/usr/sbin/dracut", "--regenerate-all", "--force")
        (conf / "vendor.conf").unlink()
        (tree / "boot/grub2").mkdir()
        run("chroot", tree, "/usr/sbin/grub2-mkconfig", "--output=/boot/grub2/grub.cfg")
        return tree


def _uninstall(tree: Path, name: str) -> None:
    """Take a package out that the installer's medium lacks."""
    run("chroot", tree, "rpm", "--erase", "--nodeps", name)
    run("chroot", tree, "sh", "-c", f"rm -rf /etc/systemd/system/{name}.target.wants")


def _guard(tree: Path) -> None:
    """Let none of the carrier's own programs be called with an option that CentOS 7's lacks."""
    packages.guard(tree)
    shutil.copy(OPTIONS / "options", tree / "fake" / "options")
    for name in ("halt", "poweroff", "reboot", "shutdown", "runlevel", "telinit"):
        link = tree / "usr/sbin" / name
        link.unlink()
        link.symlink_to("/fake/does/systemctl")


def _compiler(root: Carrier, work: Path) -> Path:
    """The package of the compiler, with what it needs around it."""
    tree = work / "gcc"
    for name in BUILD_ROOT:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        run("cp", "-a", root.root / name, tree / name)
    run("cp", "-a", f"{root.compiler}/.", tree)
    for link in ("bin", "sbin", "lib", "lib64"):
        if (tree / link).is_dir() and not (tree / link).is_symlink():
            run("cp", "-a", f"{tree / link}/.", tree / "usr" / link)
            shutil.rmtree(tree / link)
        if not (tree / link).is_symlink():
            (tree / link).symlink_to(f"usr/{link}")
    return packages.build(Package("gcc", provides=tuple(TOOLS[1:])), tree, work, release="1")


def _strip(root: Carrier) -> None:
    """Take out of the root what is Debian's alone, and lay it out as the RPM family does."""
    run("sh", HERE / "strip.sh", root.root, xfs.UUID)
