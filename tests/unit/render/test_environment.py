"""The files about a node's clock, its kernel and its logs, for each guest."""

from __future__ import annotations

import re

import pytest

from builder.guests import all_guests
from builder.render import appliance
from builder.spec.capacity import max_connections
from builder.spec.environment import OWN
from tests.specs import quickstart

NTP = ("192.168.56.1", "ntp.example.com")
TIMESYNCD, CHRONY = "/etc/systemd/timesyncd.conf.d/vipforge.conf", "/etc/chrony.conf"
OURS, CONNECTIONS, SPEC = (
    f"/etc/sysctl.d/{name}.conf" for name in ("60-vipforge", "61-vipforge-connections", "70-vipforge-spec")
)
EACH = pytest.mark.parametrize("guest", all_guests())


def rendered(guest: str = "debian12", **changes: object) -> dict[str, str]:
    files = appliance(quickstart(guest=guest, **changes), all_guests()[guest], "2.3.3")
    return {path: file.content for path, file in files.items()}


@EACH
def test_the_time_servers_of_the_spec_are_the_only_ones(guest: str) -> None:
    files = rendered(guest, network={"ntp": list(NTP)})
    found = {path for path in (TIMESYNCD, CHRONY) if path in files}
    assert found == {CHRONY if all_guests()[guest].family == "rpm" else TIMESYNCD}
    (text,) = (files[path] for path in found)
    assert set(re.findall(r"^(?:NTP=|FallbackNTP=|server|pool)(.*)$", text, re.MULTILINE)) == (
        {"192.168.56.1 ntp.example.com", ""}
        if found == {TIMESYNCD}
        else {" 192.168.56.1 iburst", " ntp.example.com iburst"}
    )


@EACH
def test_without_time_servers_the_guest_keeps_its_own(guest: str) -> None:
    assert not {TIMESYNCD, CHRONY} & rendered(guest).keys()


@EACH
@pytest.mark.parametrize("maxconn", [1000, 14800])
def test_tables_and_queues_hold_the_connections(guest: str, maxconn: int) -> None:
    files = rendered(guest, haproxy={"maxconn": maxconn})
    assert f"nf_conntrack_max = {8 * maxconn}\n" in files[CONNECTIONS]
    assert f"hashsize={maxconn}\n" in files["/etc/modprobe.d/vipforge-connections.conf"]
    assert f"net.core.somaxconn = {maxconn}\n" in files[OURS]
    assert f"maxconn {maxconn}\n" in files["/etc/haproxy/haproxy.cfg"]


def test_by_default_they_follow_from_the_same_figure_as_maxconn() -> None:
    files = rendered()
    assert f"nf_conntrack_max = {8 * max_connections(quickstart())}\n" in files[CONNECTIONS]


def test_a_queue_is_never_longer_than_centos7_can_count() -> None:
    files = rendered("centos7", haproxy={"maxconn": 100_000}, libvirt={"memory_mib": 16384})
    assert "net.core.somaxconn = 65535\n" in files[OURS]


def test_ports_of_services_are_kept_free_of_haproxys_own_connections() -> None:
    service = quickstart().services[0].model_dump(mode="json")
    services = [{**service, "name": f"s{port}", "port": port} for port in (80, 10239, 10240, 20000)]
    assert "ip_local_reserved_ports = 10240,20000\n" in rendered(services=services)[OURS]
    assert "ip_local_reserved_ports" not in rendered()[OURS]


def test_the_specs_settings_come_last() -> None:
    files = rendered(sysctl={"net.netfilter.nf_conntrack_max": 262144, "net.ipv4.tcp_rmem": "1 2 3"})
    assert files[SPEC].splitlines()[1:] == ["net.netfilter.nf_conntrack_max = 262144", "net.ipv4.tcp_rmem = 1 2 3"]
    assert max(OURS, CONNECTIONS, SPEC) == SPEC
    assert len(rendered()[SPEC].splitlines()) == 1, "a push that removes the last setting overwrites the file"


def test_settings_that_the_appliance_makes_at_boot_cannot_be_set_in_the_spec() -> None:
    written = re.findall(r"/proc/sys/(net\S+?)\"?$", rendered()["/usr/libexec/vipforge/ready-network"], re.MULTILINE)
    names = {path.replace("/", ".").replace("$1", "*") for path in written}
    assert names
    owned = {re.sub(r"ipv\?", "ipv4", pattern).replace("conf.*", "conf.all") for pattern, _ in OWN}
    assert names <= owned
