"""The guest's push on a node in namespaces, with HAProxy as master and worker; systemd and firewalld are fake."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from builder.core.run import Completed, run
from builder.core.waiting import launch, until
from builder.guests import GuestFile, all_guests
from builder.lab.netns import NetnsNode
from builder.render import appliance, payload
from tests.specs import quickstart

pytestmark = pytest.mark.integration

FACTS = all_guests()["debian12"]
MORE = (("web", 10), ("shop", 20))
CONFIGURATION = "/etc/haproxy/haproxy.cfg"
SYSTEMCTL = """#!/bin/sh
main=$(cat /run/main)
case $* in
    show*) echo "MainPID=$main"; exit ;;
    reload*) [ -e /run/ill ] || kill -USR2 "$main" ;;
esac
echo "systemctl $*" >>/run/told
[ "$*" != 'reload haproxy' ] || [ ! -e /run/ill ]
"""
OCCUPY = "import socket, sys, time; held = socket.create_server(('', int(sys.argv[1]))); time.sleep(60)"
OCCUPIED = "82"
FIREWALL = """#!/bin/sh
echo "firewall-cmd $*" >>/run/told
[ ! -e /run/shut ]
"""
ZONE = "/etc/firewalld/zones/vipforge.xml"
PORT = "firewall-cmd --quiet --zone=vipforge --{}-port=81/tcp"
SECONDS = 10
PUSH_SECONDS = 90
"""A push waits 20 s for a new process of HAProxy, and for one more where it goes back."""
RELOADED = ["systemctl reload haproxy", "systemctl --quiet is-active haproxy"]


@pytest.fixture(scope="module")
def identified(start_pair: Callable) -> Iterator[NetnsNode]:
    with start_pair("standard") as pair:
        node = pair.nodes[0]
        node.identify()
        for name, text in (("systemctl", SYSTEMCTL), ("firewall-cmd", FIREWALL)):
            node.run("install", "-m", "0755", "/dev/stdin", f"/usr/local/sbin/{name}", stdin=text)
        words = node.inside("haproxy", "-W", "-n", "2000", "-p", "/run/main", "-f", CONFIGURATION)
        log = node.folder / "haproxy.log"
        launch(words, node.path("/run/haproxy/admin.sock").exists, "haproxy", log=log, limit=SECONDS)
        yield node


@pytest.fixture
def node(identified: NetnsNode) -> NetnsNode:
    for name in ("told", "ill", "shut"):
        identified.path(f"/run/{name}").unlink(missing_ok=True)
    return identified


def push(
    node: NetnsNode, word: str, change: Callable[[str], str] = str, path: str = CONFIGURATION, sudo: str = "env"
) -> Completed:
    """Push the quickstart with a second service, the file at `path` changed; `sudo` is what runs the program."""
    more = {"name": "more", "port": 81, "servers": [{"name": "m", "address": "192.168.56.21", "port": 8080}]}
    cluster = quickstart()
    grown = quickstart(services=[*(each.model_dump(mode="json") for each in cluster.services), more])
    files = appliance(grown, FACTS, FACTS.default_keepalived)
    sent = {each: files[each] for each in (CONFIGURATION, ZONE, "/usr/share/vipforge/keepalived.conf")}
    sent[path] = GuestFile(change(sent[path].content), 0o644)
    text = base64.encodebytes(payload(sent)).decode()
    words = node.inside(*sudo.split(), "/usr/libexec/vipforge/push", word)
    return run(words, timeout=PUSH_SECONDS, stdin=text, check=False)


def told(node: NetnsNode) -> list[str]:
    path = node.path("/run/told")
    return path.read_text().splitlines() if path.exists() else []


def test_a_check_changes_nothing(node: NetnsNode) -> None:
    before = node.path(CONFIGURATION).read_text()
    assert push(node, "check").code == 0
    assert node.path(CONFIGURATION).read_text() == before
    assert told(node) == []


def test_a_haproxy_built_from_source_checks_its_own_configuration(node: NetnsNode) -> None:
    """sudo of Red Hat's family leaves /usr/local/sbin out of PATH; the distribution's may know fewer words."""
    own = '#!/bin/sh\necho its own haproxy >>/run/told\nexec /usr/sbin/haproxy "$@"\n'
    node.run("install", "-m", "0755", "/dev/stdin", "/usr/local/sbin/haproxy", stdin=own)
    try:
        assert push(node, "check", sudo="env PATH=/sbin:/bin:/usr/sbin:/usr/bin").code == 0
    finally:
        node.path("/usr/local/sbin/haproxy").unlink()
    assert told(node) == ["its own haproxy"]


def test_what_haproxy_refuses_reaches_no_file(node: NetnsNode) -> None:
    before = node.path(CONFIGURATION).read_text()
    done = push(node, "apply", lambda text: text.replace("balance roundrobin", "balance by-chance"))
    assert done.code != 0
    assert "[ALERT]" in done.err
    assert node.path(CONFIGURATION).read_text() == before
    assert told(node) == []


def test_instances_that_the_identity_has_no_priority_for_reach_no_file(node: NetnsNode) -> None:
    before = node.path(CONFIGURATION).read_text()
    instances = [
        {"name": name, "virtual_router_id": number, "vips": [f"192.168.56.{number}"]} for name, number in MORE
    ]
    files = appliance(quickstart(vrrp={"instances": instances}), FACTS, FACTS.default_keepalived)
    sent = {path: files[path] for path in (CONFIGURATION, "/usr/share/vipforge/keepalived.conf")}
    done = node.run(
        "/usr/libexec/vipforge/push", "apply", stdin=base64.encodebytes(payload(sent)).decode(), check=False
    )
    assert (done.code, node.path(CONFIGURATION).read_text()) == (1, before)
    assert "the identity does not fit: PRIORITY has 1 numbers for 2 VRRP instances" in done.err
    assert node.path("/etc/keepalived/keepalived.conf").exists()
    assert told(node) == []


def test_a_reload_that_fails_brings_the_old_files_back(node: NetnsNode) -> None:
    before = node.path(CONFIGURATION).read_text()
    node.path("/run/ill").touch()
    done = push(node, "apply")
    assert (done.code, "the old files are back" in done.err) == (1, True)
    assert node.path(CONFIGURATION).read_text() == before
    assert told(node) == [PORT.format("add"), *RELOADED[:1], PORT.format("remove"), *RELOADED[:1]]


def test_a_firewall_that_does_not_take_a_port_brings_the_old_files_back(node: NetnsNode) -> None:
    """Else the next push would find the zone's file as it should be, and the port as it was."""
    before = node.path(CONFIGURATION).read_text(), node.path(ZONE).read_text()
    node.path("/run/shut").touch()
    done = push(node, "apply")
    assert (done.code, "the firewall did not take the changes; the old files are back" in done.err) == (1, True)
    assert (node.path(CONFIGURATION).read_text(), node.path(ZONE).read_text()) == before
    assert told(node) == [PORT.format("add"), PORT.format("remove")]


def test_a_port_that_another_program_has_brings_the_old_files_back(node: NetnsNode) -> None:
    """HAProxy finds that out after the check, when it has begun to reload."""
    before = node.path(CONFIGURATION).read_text()
    with subprocess.Popen(node.inside(sys.executable, "-c", OCCUPY, OCCUPIED)) as other:
        until(lambda: f":{OCCUPIED} " in node.run("ss", "-Hltn").out, "the port to be taken", limit=SECONDS)
        done = push(node, "apply", lambda text: text.replace(":81\n", f":{OCCUPIED}\n"))
        other.kill()
    assert (done.code, "the old files are back" in done.err) == (1, True)
    assert node.path(CONFIGURATION).read_text() == before
    assert "192.168.56.10:80 " in node.run("ss", "-Hltn").out


def test_good_files_are_put_in_place_and_haproxy_reloads(node: NetnsNode) -> None:
    assert push(node, "apply").code == 0
    assert "frontend more.frontend" in node.path(CONFIGURATION).read_text()
    assert told(node) == [PORT.format("add"), *RELOADED]
    assert node.path(CONFIGURATION).stat().st_mode & 0o777 == 0o644
    assert not Path(node.path("/run/vipforge/push")).exists()


def test_where_only_haproxy_changes_the_firewall_is_left_alone(node: NetnsNode) -> None:
    assert push(node, "apply", lambda text: text.replace("roundrobin", "leastconn")).code == 0
    assert told(node) == RELOADED


def as_firewalld_writes(text: str) -> str:
    """The zone in another order, as firewalld 0.6.3 leaves it."""
    zone = ET.fromstring(text)
    ports = zone.findall("port")
    for port in ports:
        zone.remove(port)
    zone.extend(
        ET.Element("port", {"protocol": each.get("protocol"), "port": each.get("port")}) for each in ports[::-1]
    )
    return ET.tostring(zone, encoding="unicode")


def test_a_port_that_the_spec_no_longer_has_is_closed_whoever_wrote_the_zone(node: NetnsNode) -> None:
    assert push(node, "apply").code == 0
    zone, written = node.path(ZONE), node.path(ZONE).read_text()
    zone.write_text(as_firewalld_writes(written))
    assert '<port protocol="tcp" port="81"' in zone.read_text()
    node.path("/run/told").unlink()
    assert push(node, "apply", lambda text: text.replace('  <port port="81" protocol="tcp"/>\n', ""), ZONE).code == 0
    assert told(node) == [PORT.format("remove"), *RELOADED]


def test_a_zone_that_is_no_xml_reaches_no_file(node: NetnsNode) -> None:
    before = node.path(ZONE).read_text()
    done = push(node, "apply", lambda text: text.replace("</zone>", ""), ZONE)
    assert done.code != 0
    assert "no element found" in done.err
    assert (node.path(ZONE).read_text(), told(node)) == (before, [])


def test_a_zone_of_the_node_that_is_no_xml_is_found_by_the_check(node: NetnsNode) -> None:
    zone, before = node.path(ZONE), node.path(ZONE).read_text()
    zone.write_text(before.replace("</zone>", ""))
    try:
        done = push(node, "check")
    finally:
        zone.write_text(before)
    assert done.code != 0
    assert "no element found" in done.err


def test_where_more_than_ports_changes_the_firewall_reloads(node: NetnsNode) -> None:
    assert push(node, "apply", lambda text: text.replace("SSH, VRRP", "VRRP, SSH"), ZONE).code == 0
    assert told(node) == ["firewall-cmd --quiet --reload", *RELOADED]
