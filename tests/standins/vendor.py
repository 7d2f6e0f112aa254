"""The vendor: signed repositories, and the media from which guests are baked."""

from __future__ import annotations

import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from builder.rootfs import layers
from tests.integration.rpm_vendor import Signer, publish
from tests.standins import base, compiler, packages
from tests.standins.carrier import HERE, carrier
from tests.standins.kinds import KINDS, Kind
from tests.standins.packages import OPTIONS, Package

MEDIUM = "installer.iso"


@dataclass(frozen=True)
class Vendor:
    """A finished vendor: a mirror for all guests, one disk per guest, and an installer for CentOS 7."""

    folder: Path

    @property
    def mirror(self) -> Path:
        """The folder that a spec names."""
        return self.folder / "mirror"

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the key that signs the packages."""
        return str(json.loads((self.folder / "facts.json").read_text())["fingerprint"])

    @property
    def medium(self) -> Path:
        """The installer's medium."""
        return self.folder / MEDIUM

    def disk(self, guest: str) -> Path:
        """Return the guest's base."""
        return self.folder / f"{guest}.qcow2"


def vendor() -> Vendor:
    """Return the vendor, from the cache or made now."""
    return Vendor(layers.layer("standin-vendor", {"files": _digest()}, _make))


def _digest() -> str:
    """Return a digest of every file from which the vendor is made."""
    digest = hashlib.sha256()
    for folder in (HERE, OPTIONS):
        for path in sorted(each for each in folder.rglob("*") if each.is_file() and "__pycache__" not in each.parts):
            digest.update(f"{path.relative_to(HERE.parent)} {path.stat().st_mode & 0o111}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _make(folder: Path) -> None:
    work = folder.parent / "standin"
    work.mkdir()
    signer = Signer.made(work / "gnupg", "vendor@example.com")
    other = Signer.made(work / "gnupg-newer", "collection@example.com")
    with carrier(work) as root:
        tools = compiler.package(root, work)
        signer.sign(tools)
        taken = packages.take_files(root, work / "taken")
        root.strip()
        guests = [_GuestMaker(folder, work / kind.guest, kind, signer, other) for kind in KINDS]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda each: each.run(root.root, taken, tools), guests))
    (folder / "facts.json").write_text(json.dumps({"fingerprint": signer.fingerprint}))
    for each in (signer, other):
        each.end()


@dataclass(frozen=True)
class _GuestMaker:
    """Makes one guest's repositories and media."""

    folder: Path
    work: Path
    kind: Kind
    signer: Signer
    other: Signer

    def run(self, root: Path, taken: dict[str, Path], tools: Path) -> None:
        """Build the packages, publish the repositories, and write the media."""
        self.work.mkdir()
        built = {each.name: self._build(each, taken, "first") for each in self.kind.packages}
        release = self.kind.release
        update = self._build(Package(release.name, version=f"{release.version}.1"), taken, "update")
        folders = [self.folder / "mirror" / name for name in self.kind.repositories]
        publish(folders[0], tools, *built.values())
        publish(folders[1], update)
        further = compiler.collection(self.work, self.signer, self.other) if self.kind.is_old else ()
        for number, place in enumerate(folders[2:]):
            publish(place, *further[number : number + 1])
        (self.folder / "mirror" / self.kind.key).write_text(self.signer.key)
        on_disk = [built[each.name] for each in self.kind.packages if each.on_disk]
        base.write(self.kind, root, on_disk, self.work, self.folder)

    def _build(self, package: Package, taken: dict[str, Path], step: str) -> Path:
        tree = self.work / step / package.name
        tree.mkdir(parents=True)
        if package.name in taken:
            shutil.copytree(taken[package.name], tree, symlinks=True, dirs_exist_ok=True)
        packages.copy_own_files(package, tree)
        if package.name == self.kind.release.name:
            keys = tree / "etc/pki/rpm-gpg"
            keys.mkdir(parents=True)
            (keys / self.kind.key.rpartition("/")[2]).write_text(self.signer.key)
        if package.name == "cloud-init":
            configuration = tree / "etc/cloud/cloud.cfg"
            text = configuration.read_text().replace("@USER@", self.kind.user)
            configuration.write_text(text.replace("@DISTRO@", self.kind.distro))
        if self.kind.is_old:
            packages.guard(tree)
        package_file = packages.build(package, tree, self.work / step, release=self.kind.guest)
        self.signer.sign(package_file)
        return package_file
