"""How the vendors' guests differ."""

from __future__ import annotations

from dataclasses import dataclass

from tests.standins.packages import COMMON, Package


@dataclass(frozen=True)
class Kind:
    """One guest. Its first own package has its release file, and the vendor has an update of that package."""

    guest: str
    own: tuple[Package, ...]
    user: str
    """The account that cloud-init creates."""
    distro: str
    """cloud-init's name for the distribution."""
    drivers: str
    """The disk drivers in the vendor's initial RAM disk."""
    repositories: tuple[str, ...]
    """Folders of the mirror: the packages, the update, and others."""
    key: str
    """The path in the mirror of the key that signs packages."""
    is_old: bool = False
    """Whether its programs lack options that the carrier's have."""

    @property
    def packages(self) -> tuple[Package, ...]:
        """All packages of its vendor."""
        return (*COMMON, *self.own)

    @property
    def release(self) -> Package:
        """The package with its release file."""
        return self.own[0]


CENTOS7 = Kind(
    "centos7",
    (
        Package("centos-release", version="7.9.2009"),
        Package("grub2-tools"),
        Package("postfix"),
        Package("policycoreutils-python", files="semanage", on_disk=False),
    ),
    user="centos",
    distro="centos",
    drivers="virtio_scsi",  # not virtio_blk, from which the lab boots: the bake has to add it
    repositories=("os/x86_64", "updates/x86_64", "extras/x86_64", "sclo/x86_64/rh"),
    key="os/x86_64/RPM-GPG-KEY-CentOS-7",
    is_old=True,
)


def _enterprise_linux_9(guest: str, release: Package, *, user: str, distro: str, folder: str, key: str) -> Kind:
    return Kind(
        guest,
        (
            release,
            Package("grub2-tools"),
            Package("grubby"),
            Package("policycoreutils-python-utils", files="semanage", on_disk=False),
        ),
        user=user,
        distro=distro,
        drivers="virtio_blk virtio_scsi",
        repositories=tuple(f"{folder}{name}/x86_64/os" for name in ("BaseOS", "AppStream", "CRB")),
        key=key,
    )


ROCKY9 = _enterprise_linux_9(
    "rocky9",
    Package("rocky-release", version="9.8"),
    user="rocky",
    distro="rocky",
    folder="",
    key="BaseOS/x86_64/os/RPM-GPG-KEY-Rocky-9",
)
ALMA9 = _enterprise_linux_9(
    "alma9",
    Package("almalinux-release", version="9.7"),
    user="almalinux",
    distro="almalinux",
    folder="9/",
    key="RPM-GPG-KEY-AlmaLinux-9",
)
KINDS = (CENTOS7, ROCKY9, ALMA9)
