"""Facts that the guests of the RPM family share, and those that the rebuilds of Enterprise Linux 9 share."""

from __future__ import annotations

from dataclasses import dataclass

from builder.guests import Epel, Facts, Family, Medium, OptionsFile, Repositories

ARCHITECTURE = "x86_64/os"
SSHD_OPTIONS = OptionsFile("/etc/sysconfig/sshd", "OPTIONS")


@dataclass(frozen=True, kw_only=True)
class RpmFacts(Facts):
    """A guest of the RPM family: the vendor's base image, and packages from the vendor's repositories."""

    family: Family = "rpm"
    has_selinux: bool = True
    sudo_group: str = "wheel"
    options: str = "/etc/sysconfig"
    sshd_options: OptionsFile = SSHD_OPTIONS
    snmp_list: str = "rpm-snmp"
    media: tuple[Medium, ...] = ("disk", "template")


@dataclass(frozen=True, kw_only=True)
class El9Facts(RpmFacts):
    """A rebuild of Red Hat Enterprise Linux 9.

    It has HAProxy 2.8 since release 9.7 (haproxy-2.8.14-1.el9_7.1; Red Hat's ubi9 images also report 2.8.14).
    Earlier releases had 2.4 (haproxy-2.4.22-3.el9_5.1), but the bake updates to the newest 9.
    """

    default_keepalived: str = "2.3.4"
    haproxy_version: str = "2.8"
    overlay: tuple[str, ...] = ("common", "rpm", "el9")
    steps: tuple[str, ...] = ("common", "rpm", "el9")


def el9_repositories(mirror: str, *, key: str, fingerprint: str, folder: str = "") -> Repositories:
    """The three repositories of a rebuild of Enterprise Linux 9, in `folder` on its mirrors."""
    names = (("baseos", "BaseOS"), ("appstream", "AppStream"), ("crb", "CRB"))
    paths = tuple((name, f"{folder}{directory}/{ARCHITECTURE}") for name, directory in names)
    return Repositories(release="9", mirrors=(mirror,), paths=paths, key=key, fingerprint=fingerprint)


def el9_epel(folder: str = "") -> Epel:
    """EPEL 9; its key is in a package from the vendor's `extras` repository."""
    return Epel(
        title="EPEL 9",
        mirrors=("https://dl.fedoraproject.org/pub/epel/9",),
        path="Everything/x86_64",
        key="/etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-9",
        key_paths=(("extras", f"{folder}extras/{ARCHITECTURE}"),),
    )
