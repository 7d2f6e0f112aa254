"""The guests: one module per operating system with all its facts, found by its GUEST.

This module defines what those facts are.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Literal

from builder.core.paths import resources

Medium = Literal["disk", "installer", "template"]
"""What a bake starts from: a bootable disk, an installation medium, or a template in a vCenter."""
Family = Literal["deb", "rpm"]
"""The format of a guest's packages, as named in the package-url specification."""


@dataclass(frozen=True)
class Repositories:
    """A vendor's package repositories, in the same folders on each of its mirrors."""

    release: str
    """What yum and dnf call `$releasever`."""
    mirrors: tuple[str, ...]
    """Addresses that serve the same files, in the order in which they are tried."""
    paths: tuple[tuple[str, str], ...]
    """The name of each repository and its folder on a mirror."""
    key: str
    """The path of the signing key on a mirror; in the guest it is in /etc/pki/rpm-gpg/."""
    fingerprint: str
    """The fingerprint of that key, in uppercase hexadecimal digits, as vendors publish it."""

    @property
    def key_name(self) -> str:
        """The file name of the key."""
        return self.key.rpartition("/")[2]

    def bake_mirrors(self, override: str | None) -> tuple[str, ...]:
        """The mirrors used by the bake: only the spec's `image.mirror` if it is set, else the vendor's."""
        return (override.rstrip("/"),) if override else self.mirrors

    def written(self, override: str | None) -> tuple[str, ...]:
        """The mirrors written into the guest: as for the bake, but never a folder of this host."""
        return self.mirrors if override and is_folder(override) else self.bake_mirrors(override)


@dataclass(frozen=True)
class Toolchain:
    """A compiler newer than the release's own, in an additional repository on the same mirrors.

    That repository is signed with another key, which one of the release's own packages contains, so that trusting the
    release's key is enough.
    """

    repository: str
    path: str
    """The folder of the repository on a mirror."""
    key_package: str
    key: str
    """Where that package installs the key."""
    packages: tuple[str, ...]
    programs: str
    """The folder with the compiler; it is put first on PATH."""


@dataclass(frozen=True)
class Epel:
    """EPEL for a guest. It is signed with another key, which a package of the vendor contains.

    It is for packages that operators install themselves; the bake uses none from it.
    """

    title: str
    mirrors: tuple[str, ...]
    """Addresses of EPEL's folder for the release, in the order in which they are tried."""
    path: str
    """The folder of the repository on a mirror."""
    key: str
    """Where `key_package` installs the key."""
    key_package: str = "epel-release"
    key_paths: tuple[tuple[str, str], ...] = ()
    """An additional repository of the vendor, by name and folder, if only that one has `key_package`."""


def is_folder(mirror: str) -> bool:
    """Whether a mirror is a folder on this host."""
    return mirror.startswith("file:")


@dataclass(frozen=True)
class OptionsFile:
    """The file that a service's unit reads its command-line options from, and the variable in it."""

    path: str
    variable: str


SSHD_OPTIONS = OptionsFile("/etc/default/ssh", "SSHD_OPTS")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All facts about one guest. Its packages are listed in packer/packages/NAME.txt."""

    name: str
    """Its name in the spec."""
    title: str
    """Its name in messages."""
    family: Family
    suite: str = ""
    """Its suite in Debian's archive; empty for other families."""
    auto: int = 0
    """Its position, from 1, among the guests that `guest: auto` tries; 0 if only a spec that names it gets it."""

    # What it runs.
    default_keepalived: str
    newer_keepalived: str = ""
    """The release for profiles that the default cannot run; empty if the default runs them all."""
    haproxy_version: str
    """The HAProxy release in its packages, such as `2.6`; templates depend on it."""
    has_selinux: bool = False
    has_tls_1_3: bool = True
    """Whether its OpenSSL (1.1.1 or later) speaks TLS 1.3."""
    login_shell: str = "/bin/bash"
    sudo_group: str = "sudo"
    options: str = "/etc/default"
    """The folder of the files with the command-line options of services."""
    sshd_options: OptionsFile = SSHD_OPTIONS

    # How its image is baked.
    overlay: tuple[str, ...]
    """Folders of packer/overlay/; files in later ones replace those in earlier ones."""
    steps: tuple[str, ...]
    """Folders of packer/provision/ whose scripts run in the guest during the bake."""
    snmp_list: str
    """The list in packer/packages/ of the additional packages for SNMP."""
    media: tuple[Medium, ...] = ("disk",)
    """What a bake of this guest can start from."""
    bases: tuple[str, ...] = ()
    """The vendor's cloud images, as versions of the source NAME-cloud; the first is the default."""
    base_gib: int = 0
    """The virtual size of those images."""
    installer: str = ""
    """The installation medium, as a version of the source NAME-minimal."""
    kickstart: str = ""
    """The template in packer/http/ that configures the unattended installation."""
    bake_user: str = "root"
    """The user who logs in during the bake; a vendor's cloud image has its own account, which may use sudo."""
    repositories: Repositories | None = None
    """Where the bake gets the packages that it installs in the guest; None if the foundation contains them all."""
    epel: Epel | None = None
    """EPEL for this guest; None for guests outside the RPM family."""
    toolchain: Toolchain | None = None
    """The compiler for keepalived 2, if the release's own is too old for it."""

    # Names of its hardware, and its names elsewhere.
    network_file: str = ""
    """Where cloud-init writes a node's network for netplan. The seed's CD supplies the same file, so that the node can
    serve before cloud-init has run. Empty for a guest that waits for cloud-init."""
    has_ipv6_routes: bool = True
    """Whether its cloud-init configures an IPv6 route; cloud-init 19.4 does not."""
    disk_interface: str = "virtio"
    """Packer's `disk_interface` for the bake: one on which the guest's kernel can discard unused blocks."""
    os_id: str
    """`ID` in its os-release, which is also the namespace of its package URLs (package-url specification)."""
    full_title: str = ""
    """The title that hypervisors show, if it differs from `title`."""
    vsphere_type: str
    """Its identifier in vSphere (VirtualMachineGuestOsIdentifier)."""
    cim_type: int
    """Its number in an OVF descriptor (CIM_OperatingSystem.OsType of the DMTF)."""

    @property
    def os_version(self) -> str:
        """`VERSION_ID` in its os-release, up to the first dot. A guest's name ends in it."""
        return self.name[len(self.name.rstrip("0123456789")) :]

    @property
    def provision(self) -> tuple[str, ...]:
        """The scripts in packer/provision/ (FOLDER/NAME.sh) that the appliance bake runs in the guest, in order."""
        return provision_scripts(*self.steps)

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages in the guest's list."""
        return _listed(self.name)

    @property
    def snmp_packages(self) -> tuple[str, ...]:
        """The additional packages for SNMP."""
        return _listed(self.snmp_list)

    @property
    def choice_of_bases(self) -> tuple[str, ...]:
        """The values that a spec may use for `image.base`; empty if there is only one base."""
        return self.bases if len(self.bases) > 1 else ()


def provision_scripts(*folders: str) -> tuple[str, ...]:
    """The scripts in these folders of packer/provision/, as FOLDER/NAME.sh, in the order of their file names."""
    scripts = (path for folder in folders for path in resources("packer", "provision", folder).glob("*.sh"))
    return tuple(f"{path.parent.name}/{path.name}" for path in sorted(scripts, key=lambda path: path.name))


def package_names(path: Path) -> tuple[str, ...]:
    """The packages in a list: one per line, the name first and then its purpose; `#` begins a comment."""
    lines = (line.partition("#")[0].split() for line in path.read_text().splitlines())
    return tuple(words[0] for words in lines if words)


def _listed(name: str) -> tuple[str, ...]:
    return package_names(resources("packer", "packages", f"{name}.txt"))


@cache
def all_guests() -> dict[str, Facts]:
    """Every guest by name, in alphabetical order: one for each module of this package that defines a GUEST."""
    modules = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    guests: list[Facts] = [module.GUEST for module in modules if hasattr(module, "GUEST")]
    return {facts.name: facts for facts in sorted(guests, key=lambda facts: facts.name)}


def in_order_of_preference() -> tuple[Facts, ...]:
    """The guests that `guest: auto` tries, in order."""
    return tuple(sorted((facts for facts in all_guests().values() if facts.auto), key=lambda facts: facts.auto))


def embedded() -> Facts:
    """The guest that is always available, being built from this host's own mirror; `guest: auto` tries it last."""
    return in_order_of_preference()[-1]


@dataclass(frozen=True)
class GuestFile:
    """One file of the guest: its text and its permission bits. All files belong to root."""

    content: str
    mode: int
