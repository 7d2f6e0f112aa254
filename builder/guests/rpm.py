"""Facts that guests of the RPM family share: installer, SELinux, firewalld; and those of Enterprise Linux 9."""

from __future__ import annotations

from dataclasses import dataclass

from builder.guests import Epel, Facts, Family, Medium, Repositories

ARCHITECTURE = "x86_64/os"


@dataclass(frozen=True, kw_only=True)
class RpmFacts(Facts):
    """A guest of the family: the vendor's own base, and packages from the vendor's repositories."""

    family: Family = "rpm"
    has_selinux: bool = True
    sudo_group: str = "wheel"
    options: str = "/etc/sysconfig"
    interface: str = "eth0"
    snmp_list: str = "rpm-snmp"
    media: tuple[Medium, ...] = ("disk", "template")


@dataclass(frozen=True, kw_only=True)
class El9Facts(RpmFacts):
    """A rebuild of Red Hat Enterprise Linux 9.

    Its HAProxy is 2.8 since release 9.7 (haproxy-2.8.14-1.el9_7.1; Red Hat's ubi9 images query 2.8.14 as well).
    Before, it was 2.4 (haproxy-2.4.22-3.el9_5.1), but the bake updates to the newest 9.
    """

    default_keepalived: str = "2.3.4"
    haproxy_version: str = "2.8"
    overlay: tuple[str, ...] = ("common", "rpm", "el9")
    steps: tuple[str, ...] = ("common", "rpm", "el9")


def el9_repositories(mirror: str, *, key: str, fingerprint: str, folder: str = "") -> Repositories:
    """The three repositories of such a rebuild, which lie in `folder` under its mirrors."""
    names = (("baseos", "BaseOS"), ("appstream", "AppStream"), ("crb", "CRB"))
    paths = tuple((name, f"{folder}{place}/{ARCHITECTURE}") for name, place in names)
    return Repositories(release="9", mirrors=(mirror,), paths=paths, key=key, fingerprint=fingerprint)


def el9_epel(folder: str = "") -> Epel:
    """EPEL 9; its key comes with a package of the vendor's `extras`."""
    return Epel(
        title="EPEL 9",
        mirrors=("https://dl.fedoraproject.org/pub/epel/9",),
        path="Everything/x86_64",
        key="/etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-9",
        key_paths=(("extras", f"{folder}extras/{ARCHITECTURE}"),),
    )
