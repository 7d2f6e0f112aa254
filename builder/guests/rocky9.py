"""Rocky Linux 9, a current guest of the RPM family."""

from __future__ import annotations

from builder.guests.rpm import El9Facts, el9_epel, el9_repositories

GUEST = El9Facts(
    name="rocky9",
    title="Rocky Linux 9",
    bases=("9.8-20260525.0",),
    base_gib=10,
    bake_user="rocky",
    repositories=el9_repositories(
        "https://dl.rockylinux.org/pub/rocky/9",
        key="BaseOS/x86_64/os/RPM-GPG-KEY-Rocky-9",
        fingerprint="21CB256AE16FC54C6E652949702D426D350D275D",
    ),
    epel=el9_epel(),
    os_id="rocky",
    vsphere_type="rockylinux_64Guest",
    cim_type=101,  # any Linux: the list has no number for Rocky Linux
)
