"""The vendor's packages: their contents, and how they are built."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.integration.rpm_vendor import run
from tests.standins.carrier import HERE, Carrier

FILES = HERE / "rpms"
"""NAME/ has the package's files at their paths in the guest; NAME.pre and NAME.post run before and after. A file
X.standin replaces Debian's program X, which moves to /usr/libexec/standin/."""
OPTIONS = HERE.parent / "integration" / "el7"
GUARDED = "fake/does"
"""The folder of the programs whose options are checked first."""
PROGRAMS = ("usr/bin", "usr/sbin")
SPEC = """\
%global debug_package %{{nil}}
%global __os_install_post %{{nil}}
%global _build_id_links none
Name: {name}
Version: {version}
Release: {release}
Summary: Stands in for a vendor's package
License: none
AutoReqProv: no
{needs}
%description
%install
mkdir -p %{{buildroot}}
cp -a {tree}/. %{{buildroot}}/
{scripts}
%files -f {listed}
"""


@dataclass(frozen=True)
class Package:
    """A package: the Debian packages whose files it takes, and whether it is already on the vendor's disk."""

    name: str
    debs: tuple[str, ...] = ()
    version: str = "1"
    on_disk: bool = True
    provides: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    files: str = ""
    """The folder of its own files, if that differs from its name."""


COMMON = (
    Package("bash", provides=("/bin/sh",)),
    Package("initscripts", requires=("chkconfig",)),
    *(Package(name) for name in ("chkconfig", "dracut", "policycoreutils", "yum", "sudo", "kernel")),
    *(Package(name) for name in ("logrotate", "openssl-libs", "iproute", "iputils")),
    Package("openssh-server", ("openssh-server",)),
    Package("rsyslog", ("rsyslog",)),
    Package("chrony", ("chrony",)),
    Package("cloud-init", ("cloud-init",)),
    Package("haproxy", ("haproxy",), on_disk=False),
    Package("firewalld", ("firewalld", "python3-firewall"), on_disk=False),
    Package("psmisc", ("psmisc",), on_disk=False),
    Package("libnl3", ("libnl-3-200", "libnl-genl-3-200"), on_disk=False),
    Package("cloud-utils-growpart", ("cloud-guest-utils",), on_disk=False),
    Package("open-vm-tools", on_disk=False),
)


def take_files(carrier: Carrier, folder: Path) -> dict[str, Path]:
    """Move the carrier's files of each package to a folder; returns the folders by package name."""
    folders = {}
    for package in COMMON:
        if package.debs:
            folders[package.name] = folder / package.name
            folders[package.name].mkdir(parents=True)
            carrier.take(package.debs, folders[package.name])
    return folders


def build(package: Package, tree: Path, work: Path, *, release: str) -> Path:
    """Build the unsigned package with the files of `tree`."""
    listed, spec = work / f"{package.name}.files", work / f"{package.name}.spec"
    listed.write_text("%defattr(-,root,root,-)\n" + "".join(f'"/{name}"\n' for name in sorted(_files(tree))))
    spec.write_text(
        SPEC.format(
            name=package.name,
            version=package.version,
            release=release,
            tree=tree,
            listed=listed,
            needs="".join(_needs(package)),
            scripts="".join(_scripts(package.name)),
        )
    )
    defines = {"_topdir": work / "rpmbuild", "_binary_payload": "w1.zstdio"}
    words = [word for name, value in defines.items() for word in ("--define", f"{name} {value}")]
    run("rpmbuild", "-bb", "--quiet", "--target", "x86_64", *words, spec)
    (package_file,) = (work / "rpmbuild" / "RPMS" / "x86_64").glob(f"{package.name}-{package.version}-{release}.*.rpm")
    return package_file


def _needs(package: Package) -> Iterator[str]:
    yield from (f"Provides: {each}\n" for each in package.provides)
    yield from (f"Requires(post): {each}\nRequires: {each}\n" for each in package.requires)


def _scripts(name: str) -> Iterator[str]:
    for kind in ("pre", "post"):
        script = FILES / f"{name}.{kind}"
        if script.exists():
            yield f"%{kind}\n{script.read_text()}"


def _files(tree: Path) -> Iterator[str]:
    for path in tree.rglob("*"):
        if path.is_symlink() or not path.is_dir():
            yield str(path.relative_to(tree))


def copy_own_files(package: Package, tree: Path) -> None:
    """Copy the package's own files over those of Debian's packages."""
    own = FILES / (package.files or package.name)
    if own.is_dir():
        shutil.copytree(own, tree, dirs_exist_ok=True, symlinks=True)
    for path in list(tree.rglob("*.standin")):
        program = path.with_suffix("")
        aside = tree / "usr/libexec/standin" / program.name
        aside.parent.mkdir(parents=True, exist_ok=True)
        program.rename(aside)
        path.rename(program)


def guard(tree: Path) -> None:
    """Make programs refuse every option that their release for CentOS 7 lacks."""
    known = {line.split(":")[0] for line in (OPTIONS / "options").read_text().splitlines() if ":" in line}
    for place in PROGRAMS:
        for path in sorted((tree / place).glob("*")):
            if path.name in known - {"sshd", "systemd-run"} and not (tree / GUARDED / path.name).exists():
                (tree / GUARDED).mkdir(parents=True, exist_ok=True)
                path.rename(tree / GUARDED / path.name)
                shutil.copy(OPTIONS / "fake.sh", path)
                path.chmod(0o755)
