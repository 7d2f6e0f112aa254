"""Rocky Linux 9: the RPM family's guest of today.

Its HAProxy is 2.8 since release 9.7 (haproxy-2.8.14-1.el9_7.1; Red Hat's ubi9 images query 2.8.14 as well). Before, it
was 2.4 (haproxy-2.4.22-3.el9_5.1), but the bake updates to the newest 9.
"""

from __future__ import annotations

from builder.guests import Facts, provision_scripts
from builder.guests.rpm import RpmGuest, listed
from builder.roots.repositories import Epel, Repositories
from builder.sources.pins import pin

ROCKY = Repositories(
    release="9",
    mirrors=("https://dl.rockylinux.org/pub/rocky/9",),
    paths=(("baseos", "BaseOS/x86_64/os"), ("appstream", "AppStream/x86_64/os"), ("crb", "CRB/x86_64/os")),
    key="BaseOS/x86_64/os/RPM-GPG-KEY-Rocky-9",
    fingerprint="21CB256AE16FC54C6E652949702D426D350D275D",
)

EPEL = Epel(
    title="EPEL 9",
    mirrors=("https://dl.fedoraproject.org/pub/epel/9",),
    path="Everything/x86_64",
    key="/etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-9",
    key_paths=(("extras", "extras/x86_64/os"),),
)

GUEST = RpmGuest(
    Facts(
        name="rocky9",
        title="Rocky Linux 9",
        default_keepalived="2.3.4",
        haproxy_version="2.8",
        overlay=("common", "rpm", "rocky9"),
        provision=provision_scripts("common", "rpm", "rocky9"),
        sudo_group="wheel",
        has_selinux=True,
        options="/etc/sysconfig",
        interface="eth0",
        bake_user="rocky",
        repositories=ROCKY,
        packages=listed("rocky9"),
        snmp_packages=listed("rpm-snmp"),
        epel=EPEL,
        media=("disk", "template"),
        vsphere_type="rockylinux_64Guest",
    ),
    ROCKY,
    {"disk": pin("rocky9-cloud", "9.8-20260525.0")},
    disk_gib=10,
)
