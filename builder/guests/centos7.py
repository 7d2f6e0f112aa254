"""CentOS 7, the guest that vipforge was made for. Since its end of life in June 2024, its packages are in a vault."""

from __future__ import annotations

from builder.guests import Epel, Repositories, Toolchain
from builder.guests.rpm import RpmFacts

VAULT = Repositories(
    release="7",
    mirrors=("https://vault.centos.org/7.9.2009", "https://archive.kernel.org/centos-vault/7.9.2009"),
    paths=(("os", "os/x86_64"), ("updates", "updates/x86_64"), ("extras", "extras/x86_64")),
    key="os/x86_64/RPM-GPG-KEY-CentOS-7",
    fingerprint="6341AB2753D78A78A7C27BB124C6A8A7F4A80EB5",
)

DEVTOOLSET = Toolchain(
    repository="sclo-rh",
    path="sclo/x86_64/rh",
    key_package="centos-release-scl-rh",
    key="/etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-SIG-SCLo",
    packages=("devtoolset-11-gcc",),
    programs="/opt/rh/devtoolset-11/root/usr/bin",
)

EPEL = Epel(
    title="EPEL 7",
    mirrors=(
        "https://archives.fedoraproject.org/pub/archive/epel/7",
        "https://dl.fedoraproject.org/pub/archive/epel/7",
    ),
    path="x86_64",
    key="/etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-7",
)

GUEST = RpmFacts(
    name="centos7",
    title="CentOS 7",
    auto=1,
    default_keepalived="1.2.13",
    newer_keepalived="2.3.4",
    haproxy_version="1.5",
    has_tls_1_3=False,
    overlay=("common", "rpm", "centos7"),
    steps=("common", "rpm", "centos7"),
    media=("disk", "installer", "template"),
    bases=("2211", "2009"),
    base_gib=8,
    installer="2009",
    kickstart="centos7.ks.j2",
    bake_user="centos",
    repositories=VAULT,
    epel=EPEL,
    toolchain=DEVTOOLSET,
    has_ipv6_routes=False,
    disk_interface="virtio-scsi",  # virtio-blk supports discard since Linux 5.0, and this kernel is 3.10
    os_id="centos",
    vsphere_type="centos7_64Guest",
    cim_type=107,
)
