"""A vendor's package repositories: mirrors, folders, signing key, and the programs that compile there."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Literal

from builder.core.paths import resources


@dataclass(frozen=True)
class Repositories:
    """A vendor's repositories, the same folders under each of its mirrors."""

    release: str
    """What yum and dnf call `$releasever`."""
    mirrors: tuple[str, ...]
    """Addresses that serve the same files, the first one first."""
    paths: tuple[tuple[str, str], ...]
    """Name of a repository and its folder under a mirror."""
    key: str
    """The file of the signing key under a mirror; the guest has it in /etc/pki/rpm-gpg/."""
    fingerprint: str
    """Of that key, in capital hexadecimal digits; vendors publish it on their pages of keys."""

    @property
    def key_name(self) -> str:
        """The name of the key's file."""
        return self.key.rpartition("/")[2]

    def chosen(self, override: str | None) -> tuple[str, ...]:
        """The mirrors that are used: the spec's `image.mirror` alone, or the vendor's own."""
        return (override.rstrip("/"),) if override else self.mirrors

    def written(self, override: str | None) -> tuple[str, ...]:
        """The mirrors that are written into the guest, where a folder of the host means nothing."""
        return self.mirrors if override and is_folder(override) else self.chosen(override)


@dataclass(frozen=True)
class Toolchain:
    """A newer compiler than the release's own, in a repository beside the others, under the same mirrors.

    That repository is signed with another key. One of the release's own packages brings it, so it needs no trust of
    its own.
    """

    repository: str
    path: str
    """Its folder under a mirror."""
    key_package: str
    key: str
    """Where that package puts the key."""
    packages: tuple[str, ...]
    programs: str
    """The folder of the compiler, which goes to the front of PATH."""


@dataclass(frozen=True)
class Epel:
    """EPEL for a guest, signed with another key, which a package of the vendor brings: it needs no trust of its own.

    It is for the operator's own packages; the bake takes none from it.
    """

    title: str
    mirrors: tuple[str, ...]
    """Addresses of its folder of the release, the first one first."""
    path: str
    """The repository's folder under a mirror."""
    key: str
    """Where the package puts the key."""
    key_package: str = "epel-release"
    key_paths: tuple[tuple[str, str], ...] = ()
    """The vendor's repository that has the package, name and folder, where none of the others has."""


def is_folder(mirror: str) -> bool:
    """Whether a mirror is a folder of this host."""
    return mirror.startswith("file:")


Medium = Literal["disk", "installer", "template"]
"""What a bake starts from: a disk that boots, an installer's medium, or a template that a vCenter has."""
Family = Literal["deb", "rpm"]
"""The format of a guest's packages, as the package-url specification names it."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """One guest. Its packages are listed in packer/packages/NAME.txt."""

    name: str
    """What the spec calls it."""
    title: str
    """What messages call it."""
    family: Family
    suite: str = ""
    """Its suite in Debian's archive; empty for another family."""
    auto: int = 0
    """Its place, from 1 on, among the guests that `guest: auto` tries; 0 where it has to be asked for."""

    # What it runs.
    default_keepalived: str
    newer_keepalived: str = ""
    """The release for a profile that the default cannot run; empty where the default runs them all."""
    haproxy_version: str
    """The HAProxy release of its packages, as far as templates differ by it: `2.6`."""
    has_selinux: bool = False
    has_tls_1_3: bool = True
    """Whether its OpenSSL (1.1.1 or later) speaks TLS 1.3."""
    login_shell: str = "/bin/bash"
    sudo_group: str = "sudo"
    options: str = "/etc/default"
    """The folder of the files that hold services' options."""

    # How it is made.
    overlay: tuple[str, ...]
    """Folders of packer/overlay/, in the order they are laid over each other."""
    steps: tuple[str, ...]
    """Folders of packer/provision/ whose scripts run in it during the bake."""
    snmp_list: str
    """The list in packer/packages/ of what it needs besides where the spec wants SNMP."""
    media: tuple[Medium, ...] = ("disk",)
    """What it can be baked from."""
    bases: tuple[str, ...] = ()
    """The vendor's cloud images, as versions of the source NAME-cloud; a spec that names none gets the first."""
    base_gib: int = 0
    """The virtual size of those."""
    installer: str = ""
    """The installer's medium, as a version of the source NAME-minimal."""
    kickstart: str = ""
    """The template in packer/http/ that answers the installer's questions."""
    bake_user: str = "root"
    """Who logs in during the bake: a vendor's image lets in an account of its own, which may use sudo."""
    repositories: Repositories | None = None
    """Where packages come from that the bake installs in the guest; None where the foundation has them all."""
    epel: Epel | None = None
    """EPEL for this guest; None where it is not of the RPM family."""
    toolchain: Toolchain | None = None
    """What compiles keepalived 2, where the release's own compiler is too old for that."""

    # What it calls its hardware, and what others call it.
    network_file: str = ""
    """Where cloud-init puts a node's network, as netplan reads it: there the seed's CD brings it as well, so that the
    node serves before cloud-init has run. Empty for a guest that waits for cloud-init."""
    interface: str = ""
    """What the only network card is called, where the guest makes sure of it; else it is found by its kind."""
    disk_interface: str = "virtio"
    """What its disk hangs on while it is baked, in Packer's words: something by which its kernel gives blocks back."""
    os_id: str
    """`ID` of its os-release, and so the namespace of its packages' URLs (the package-url specification)."""
    full_title: str = ""
    """The title that hypervisors show, where it is another one."""
    vsphere_type: str
    """What vSphere calls it (VirtualMachineGuestOsIdentifier)."""
    cim_type: int
    """What an OVF descriptor calls it (DMTF's CIM_OperatingSystem.OsType)."""

    @property
    def provision(self) -> tuple[str, ...]:
        """Scripts of packer/provision/ (FOLDER/NAME.sh) that the appliance bake runs in the guest, in order."""
        return provision_scripts(*self.steps)

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages of its own list."""
        return _listed(self.name)

    @property
    def snmp_packages(self) -> tuple[str, ...]:
        """What it needs besides where the spec wants SNMP."""
        return _listed(self.snmp_list)

    @property
    def choice_of_bases(self) -> tuple[str, ...]:
        """What a spec may say as `image.base`; empty where there is nothing to choose."""
        return self.bases if len(self.bases) > 1 else ()


def provision_scripts(*folders: str) -> tuple[str, ...]:
    """The scripts of these folders of packer/provision/, as FOLDER/NAME.sh, in the order of their names."""
    scripts = (path for folder in folders for path in resources("packer", "provision", folder).glob("*.sh"))
    return tuple(f"{path.parent.name}/{path.name}" for path in sorted(scripts, key=lambda path: path.name))


def package_names(path: Path) -> tuple[str, ...]:
    """The packages in a list: one a line, its name first and what it is for after it; `#` begins a comment."""
    lines = (line.partition("#")[0].split() for line in path.read_text().splitlines())
    return tuple(words[0] for words in lines if words)


def _listed(name: str) -> tuple[str, ...]:
    return package_names(resources("packer", "packages", f"{name}.txt"))


@cache
def all_guests() -> dict[str, Facts]:
    """Every guest by its name, in alphabetical order: the modules of this package that define a GUEST."""
    modules = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    guests: list[Facts] = [module.GUEST for module in modules if hasattr(module, "GUEST")]
    return {facts.name: facts for facts in sorted(guests, key=lambda facts: facts.name)}


def in_order_of_preference() -> tuple[Facts, ...]:
    """The guests that `guest: auto` tries, the first one first."""
    return tuple(sorted((facts for facts in all_guests().values() if facts.auto), key=lambda facts: facts.auto))


def embedded() -> Facts:
    """The guest that is always available: it is made of this host's own mirror, and `guest: auto` takes it last."""
    return in_order_of_preference()[-1]


@dataclass(frozen=True)
class GuestFile:
    """One file of the guest: its text and its permission bits. All belong to root."""

    content: str
    mode: int
