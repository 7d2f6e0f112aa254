"""The guest's push program on a node in namespaces with a real HAProxy; systemd and firewalld are fake."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from builder.core.run import Completed
from builder.core.waiting import until
from builder.guests import GuestFile
from builder.lab.netns import NetnsNode
from builder.nodes.push import pushed_files
from builder.render import appliance, payload
from tests.certificates import issue, write_pair
from tests.integration.full_disk import full_disk
from tests.integration.pushing import (
    CONFIGURATION,
    FACTS,
    SECONDS,
    SERVERS,
    ZONE,
    calls,
    forget,
    push,
    pushed_node,
)
from tests.specs import quickstart

pytestmark = pytest.mark.integration

MORE = (("web", 10), ("shop", 20))
OCCUPY = "import socket, sys, time; listener = socket.create_server(('', int(sys.argv[1]))); time.sleep(60)"
OCCUPIED = "82"
PORT = "firewall-cmd --quiet --zone=vipforge --{}-port=81/tcp"
RELOADED = ["systemctl reload haproxy", "systemctl --quiet is-active haproxy"]


@pytest.fixture(scope="module")
def identified(start_pair: Callable) -> Iterator[NetnsNode]:
    with pushed_node(start_pair) as node:
        yield node


@pytest.fixture
def node(identified: NetnsNode) -> NetnsNode:
    return forget(identified)


def test_a_check_changes_nothing(node: NetnsNode) -> None:
    before = node.path(CONFIGURATION).read_text()
    assert push(node, "check").code == 0
    assert node.path(CONFIGURATION).read_text() == before
    assert calls(node) == []


def test_a_check_reads_the_new_certificates_and_lists(node: NetnsNode, tmp_path: Path) -> None:
    """None of them is on the node yet, and the list names each by the place that it will have."""
    names = ["www", "shop"]
    for name in names:
        write_pair(tmp_path, name, issue(name))
    tls = {"certificates": [{"name": n, "chain": f"{tmp_path}/{n}.pem", "key": f"{tmp_path}/{n}.key"} for n in names]}
    web = {"name": "web", "mode": "https", "port": 443, "certificates": names, "servers": SERVERS}
    cluster = quickstart(services=[web], tls=tls)
    files = pushed_files(cluster, cluster.nodes[0])
    assert check(node, files).code == 0
    certificate = "/etc/vipforge/tls/shop.pem"
    done = check(node, files | {certificate: GuestFile("nonsense", 0o600)})
    assert done.code != 0
    assert certificate in done.err


def check(node: NetnsNode, files: Mapping[str, GuestFile]) -> Completed:
    text = base64.encodebytes(payload(files)).decode()
    return node.run("/usr/libexec/vipforge/push", "check", stdin=text, check=False)


def test_a_haproxy_built_from_source_checks_its_own_configuration(node: NetnsNode) -> None:
    """In Red Hat's family, sudo's PATH lacks /usr/local/sbin, and the packaged HAProxy may know fewer keywords."""
    own = '#!/bin/sh\necho its own haproxy >>/run/calls\nexec /usr/sbin/haproxy "$@"\n'
    node.run("install", "-m", "0755", "/dev/stdin", "/usr/local/sbin/haproxy", stdin=own)
    try:
        assert push(node, "check", sudo="env PATH=/sbin:/bin:/usr/sbin:/usr/bin").code == 0
    finally:
        node.path("/usr/local/sbin/haproxy").unlink()
    assert calls(node) == ["its own haproxy"]


def test_what_haproxy_refuses_changes_no_file(node: NetnsNode) -> None:
    before = node.path(CONFIGURATION).read_text()
    done = push(node, "apply", lambda text: text.replace("balance roundrobin", "balance by-chance"))
    assert done.code != 0
    assert "[ALERT]" in done.err
    assert node.path(CONFIGURATION).read_text() == before
    assert calls(node) == []


def test_files_without_room_change_none(node: NetnsNode) -> None:
    before = node.path(CONFIGURATION).read_text(), node.path(ZONE).read_text()
    with full_disk(node):
        done = push(node, "apply")
        assert (node.path(CONFIGURATION).read_text(), node.path(ZONE).read_text()) == before
        assert not list(node.path("/etc/haproxy").glob("*.vipforge"))
    assert done.code == 1
    assert "push: no room for the files, so nothing was changed: " in done.err
    assert calls(node) == []


def test_instances_without_a_priority_in_the_identity_change_no_file(node: NetnsNode) -> None:
    before = node.path(CONFIGURATION).read_text()
    instances = [
        {"name": name, "virtual_router_id": number, "vips": [f"192.168.56.{number}"]} for name, number in MORE
    ]
    files = appliance(quickstart(vrrp={"instances": instances}), FACTS, FACTS.default_keepalived)
    pushed = {path: files[path] for path in (CONFIGURATION, "/usr/share/vipforge/keepalived.conf")}
    done = node.run(
        "/usr/libexec/vipforge/push", "apply", stdin=base64.encodebytes(payload(pushed)).decode(), check=False
    )
    assert (done.code, node.path(CONFIGURATION).read_text()) == (1, before)
    assert "the identity does not fit: PRIORITY has 1 numbers for 2 VRRP instances" in done.err
    assert node.path("/etc/keepalived/keepalived.conf").exists()
    assert calls(node) == []


def test_a_failed_reload_restores_the_old_files(node: NetnsNode) -> None:
    before = node.path(CONFIGURATION).read_text()
    node.path("/run/fail-reload").touch()
    done = push(node, "apply")
    assert (done.code, "the old files are back" in done.err) == (1, True)
    assert node.path(CONFIGURATION).read_text() == before
    assert calls(node) == [PORT.format("add"), *RELOADED[:1], PORT.format("remove"), *RELOADED[:1]]


def test_a_firewall_that_refuses_a_port_restores_the_old_files(node: NetnsNode) -> None:
    """Otherwise, the next push would find the zone's file up to date, but the port still closed."""
    before = node.path(CONFIGURATION).read_text(), node.path(ZONE).read_text()
    node.path("/run/fail-firewall").touch()
    done = push(node, "apply")
    assert (done.code, "the firewall did not take the changes; the old files are back" in done.err) == (1, True)
    assert (node.path(CONFIGURATION).read_text(), node.path(ZONE).read_text()) == before
    assert calls(node) == [PORT.format("add"), PORT.format("remove")]


def test_a_port_that_another_program_uses_restores_the_old_files(node: NetnsNode) -> None:
    """HAProxy notices this only after the check, while it reloads."""
    before = node.path(CONFIGURATION).read_text()
    with subprocess.Popen(node.inside(sys.executable, "-c", OCCUPY, OCCUPIED)) as other:
        until(lambda: f":{OCCUPIED} " in node.run("ss", "-Hltn").out, "the port to be taken", limit=SECONDS)
        done = push(node, "apply", lambda text: text.replace(":81\n", f":{OCCUPIED}\n"))
        other.kill()
    assert (done.code, "the old files are back" in done.err) == (1, True)
    assert node.path(CONFIGURATION).read_text() == before
    assert "192.168.56.10:80 " in node.run("ss", "-Hltn").out


def test_good_files_are_installed_and_haproxy_reloads(node: NetnsNode) -> None:
    assert push(node, "apply").code == 0
    assert "frontend more.frontend" in node.path(CONFIGURATION).read_text()
    assert calls(node) == [PORT.format("add"), *RELOADED]
    assert node.path(CONFIGURATION).stat().st_mode & 0o777 == 0o644
    assert not Path(node.path("/run/vipforge/push")).exists()


def test_if_only_haproxy_changes_the_firewall_is_not_touched(node: NetnsNode) -> None:
    assert push(node, "apply", lambda text: text.replace("roundrobin", "leastconn")).code == 0
    assert calls(node) == RELOADED


def as_firewalld_writes(text: str) -> str:
    """Return the zone in another order, as firewalld 0.6.3 writes it."""
    zone = ET.fromstring(text)
    ports = zone.findall("port")
    for port in ports:
        zone.remove(port)
    zone.extend(
        ET.Element("port", {"protocol": each.get("protocol"), "port": each.get("port")}) for each in ports[::-1]
    )
    return ET.tostring(zone, encoding="unicode")


def test_a_port_that_left_the_spec_is_closed_whoever_wrote_the_zone(node: NetnsNode) -> None:
    assert push(node, "apply").code == 0
    zone, written = node.path(ZONE), node.path(ZONE).read_text()
    zone.write_text(as_firewalld_writes(written))
    assert '<port protocol="tcp" port="81"' in zone.read_text()
    node.path("/run/calls").unlink()
    assert push(node, "apply", lambda text: text.replace('  <port port="81" protocol="tcp"/>\n', ""), ZONE).code == 0
    assert calls(node) == [PORT.format("remove"), *RELOADED]


def test_a_zone_that_is_not_xml_changes_no_file(node: NetnsNode) -> None:
    before = node.path(ZONE).read_text()
    done = push(node, "apply", lambda text: text.replace("</zone>", ""), ZONE)
    assert done.code != 0
    assert "no element found" in done.err
    assert (node.path(ZONE).read_text(), calls(node)) == (before, [])


def test_the_check_finds_a_zone_on_the_node_that_is_not_xml(node: NetnsNode) -> None:
    zone, before = node.path(ZONE), node.path(ZONE).read_text()
    zone.write_text(before.replace("</zone>", ""))
    try:
        done = push(node, "check")
    finally:
        zone.write_text(before)
    assert done.code != 0
    assert "no element found" in done.err


def test_if_more_than_ports_changes_the_firewall_reloads(node: NetnsNode) -> None:
    assert push(node, "apply", lambda text: text.replace("SSH, VRRP", "VRRP, SSH"), ZONE).code == 0
    assert calls(node) == ["firewall-cmd --quiet --reload", *RELOADED]


def test_the_first_affinity_by_source_brings_the_peers_and_the_last_one_ends_them(node: NetnsNode) -> None:
    assert push(node, "apply", affinity={"by": "source"}).code == 0
    assert "192.168.56.11:10001 " in node.run("ss", "-Hltn").out
    assert node.path("/etc/vipforge/peers.cfg").read_text().splitlines()[1:] == [
        "peers vipforge",
        "    peer 192.168.56.11 192.168.56.11:10001",
        "    peer 192.168.56.12 192.168.56.12:10001",
    ]
    assert push(node, "apply").code == 0
    until(lambda: ":10001 " not in node.run("ss", "-Hltn").out, "the end of the old process", limit=SECONDS)


def test_a_failed_reload_restores_the_peers(node: NetnsNode) -> None:
    before = node.path("/etc/vipforge/peers.cfg").read_text()
    node.path("/run/fail-reload").touch()
    assert push(node, "apply", affinity={"by": "source"}).code == 1
    assert node.path("/etc/vipforge/peers.cfg").read_text() == before
