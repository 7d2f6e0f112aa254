"""Debian 12, the embedded guest: everything but the boot loader is built on this host, without emulation."""

from __future__ import annotations

from builder.guests import Facts

GUEST = Facts(
    name="debian12",
    title="Debian 12",
    family="deb",
    suite="bookworm",
    auto=2,
    default_keepalived="2.3.3",
    haproxy_version="2.6",
    overlay=("common", "debian12"),
    steps=("common", "debian"),
    snmp_list="debian12-snmp",
    network_file="/etc/netplan/50-cloud-init.yaml",
    os_id="debian",
    full_title="Debian GNU/Linux 12",
    vsphere_type="debian10_64Guest",  # the newest Debian that ESXi 6.5 knows
    cim_type=96,
)
