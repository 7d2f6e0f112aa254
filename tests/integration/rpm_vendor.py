"""A vendor of RPM packages, made here: keys, packages that are signed with them, repositories."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SPEC = """\
Name: {name}
Version: {version}
Release: 1
Summary: Stands in for a vendor's package
License: none
Provides: {provides}
%description
%install
{install}
%post
echo scripts run and have devices >/dev/null
%files
{files}
"""
COMPILER = "gcc make pkgconfig coreutils sed grep gawk diffutils openssl-devel libnl3-devel tar gzip findutils"
BUSYBOX = """\
mkdir -p %{buildroot}/bin
cp /bin/busybox %{buildroot}/bin/busybox
for tool in sh tar cat gzip ls; do ln -s busybox %{buildroot}/bin/$tool; done"""


def run(*words: object) -> str:
    """What a command says; it must end well."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass(frozen=True)
class Package:
    """What a package is: its name, what it provides, how its files are made, and their patterns."""

    name: str
    provides: str = COMPILER
    install: str = BUSYBOX
    files: str = "/bin/*"
    version: str = "1"


@dataclass(frozen=True)
class Signer:
    """Who signs packages, with a key of their own."""

    home: Path
    name: str

    @classmethod
    def made(cls, home: Path, name: str) -> Signer:
        """With a new key."""
        home.mkdir(mode=0o700)
        signer = cls(home, name)
        signer.gpg("--passphrase", "", "--quick-generate-key", name, "rsa2048", "sign")
        return signer

    def gpg(self, *words: object) -> str:
        """What gpg says."""
        return run("gpg", "--batch", "--homedir", self.home, *words)

    @property
    def fingerprint(self) -> str:
        """Of the key."""
        listed = self.gpg("--with-colons", "--list-keys").splitlines()
        return next(line.split(":")[9] for line in listed if line.startswith("fpr"))

    @property
    def key(self) -> str:
        """The public key."""
        return self.gpg("--armor", "--export", self.name)

    def sign(self, package: Path) -> None:
        """Sign a package in place."""
        signer = {"_gpg_path": self.home, "_gpg_name": self.name, "__gpg": shutil.which("gpg")}
        defines = [word for name, value in signer.items() for word in ("--define", f"{name} {value}")]
        run("rpmsign", *defines, "--addsign", package)

    def end(self) -> None:
        """End gpg's own processes."""
        run("gpgconf", "--homedir", self.home, "--kill", "all")


def build(folder: Path, package: Package) -> Path:
    """A package without a signature."""
    spec = folder / f"{package.name}.spec"
    spec.write_text(SPEC.format(**vars(package)))
    run("rpmbuild", "-bb", "--target", "x86_64", "--define", f"_topdir {folder}/rpmbuild", spec)
    (made,) = (folder / "rpmbuild" / "RPMS" / "x86_64").glob(f"{package.name}-*.rpm")
    return made


def publish(place: Path, *packages: Path) -> None:
    """A repository with these packages."""
    place.mkdir(parents=True, exist_ok=True)
    for package in packages:
        shutil.copy(package, place)
    run("createrepo_c", "--quiet", place)
