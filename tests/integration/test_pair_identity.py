"""The guest's identity program, run in a real root."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from builder.core.run import Completed
from builder.guests import all_guests
from builder.lab.netns import INTERFACE, NetnsNode
from builder.render import overlay_text
from builder.seed.identity import PEERS, identity, keepalived_conf, peers_cfg
from tests.integration.full_disk import FILL, full_disk
from tests.specs import quickstart

pytestmark = pytest.mark.integration

FACTS = all_guests()["debian12"]
CONF, IDENTITY = "/etc/keepalived/keepalived.conf", "/etc/vipforge/identity"
IPSET = "/etc/firewalld/ipsets/vipforge-peers.xml"
WRITTEN = (CONF, "/etc/hosts", "/etc/hostname")


@pytest.fixture(scope="module")
def bare_node(start_pair: Callable) -> Iterator[NetnsNode]:
    with start_pair("standard") as pair:
        yield pair.nodes[0]


@pytest.fixture
def node(bare_node: NetnsNode) -> NetnsNode:
    """A node that has run the program once, with its own identity."""
    lines = identity(bare_node.cluster, bare_node.spec).items()
    bare_node.path(IDENTITY).write_text("".join(f"{key}={value}\n" for key, value in lines))
    bare_node.path("/dev/console").write_text("")
    bare_node.identify()
    return bare_node


def run(node: NetnsNode) -> Completed:
    return node.run("/usr/libexec/vipforge/identity", check=False)


def modification_times(node: NetnsNode) -> list[int]:
    return [node.path(path).stat().st_mtime_ns for path in WRITTEN]


def test_keepalived_conf_is_the_rendered_one(node: NetnsNode) -> None:
    expected = keepalived_conf(node.cluster, node.spec, FACTS, FACTS.default_keepalived, INTERFACE)
    assert node.path(CONF).read_text() == expected


def test_the_peers_of_haproxy_are_the_rendered_ones(node: NetnsNode) -> None:
    service = {"name": "db", "mode": "tcp", "port": 80, "affinity": {"by": "source"}}
    servers = [{"name": "db1", "address": "192.168.56.21", "port": 8080}]
    cluster = quickstart(services=[{**service, "servers": servers}])
    template = overlay_text(PEERS, cluster, FACTS, FACTS.default_keepalived)
    node.path("/run/peers.cfg").write_text(template)
    filled = node.run("/usr/libexec/vipforge/identity", "fill", "/run/peers.cfg").out
    assert filled == peers_cfg(cluster, node.spec, FACTS, FACTS.default_keepalived)
    assert "    peer 192.168.56.12 192.168.56.12:10001\n" in filled


def test_the_firewall_admits_the_other_nodes_alone(node: NetnsNode) -> None:
    text = node.path(IPSET).read_text()
    assert re.findall("<entry>(.*)</entry>", text) == ["192.168.56.12"]


def test_a_running_firewalld_reloads_if_the_other_nodes_changed(node: NetnsNode) -> None:
    programs = {name: f"/usr/local/sbin/{name}" for name in ("systemctl", "firewall-cmd")}
    for name, path in programs.items():
        program = f'#!/bin/sh\necho "{name} $*" >>/run/calls\n'
        node.run("install", "-m", "0755", "/dev/stdin", path, stdin=program)
    run(node)
    assert not node.path("/run/calls").exists()
    node.path(IPSET).unlink()
    run(node)
    node.run("rm", *programs.values())
    calls = node.path("/run/calls").read_text().splitlines()
    assert calls == ["systemctl --quiet is-active firewalld", "firewall-cmd --quiet --reload"]


def test_the_name_resolves_to_the_nodes_own_address(node: NetnsNode) -> None:
    assert node.run("uname", "-n").out == "lb1.example.com\n"
    for name in ("lb1.example.com", "lb1"):
        assert node.run("getent", "ahostsv4", name).out.split()[0] == "192.168.56.11"


def test_a_second_run_writes_nothing(node: NetnsNode) -> None:
    before = modification_times(node)
    again = run(node)
    assert again.code == 0
    assert "wrote" not in again.out
    assert modification_times(node) == before


def test_a_changed_identity_is_applied(node: NetnsNode) -> None:
    path = node.path(IDENTITY)
    path.write_text(path.read_text().replace("PRIORITY=254", "PRIORITY=17"))
    assert run(node).code == 0
    assert "priority 17" in node.path(CONF).read_text()


@pytest.fixture
def full_node(node: NetnsNode) -> Iterator[NetnsNode]:
    """A node with no block left for its files in /etc."""
    with full_disk(node):
        yield node
    node.identify()


def test_a_full_disk_does_not_keep_a_configured_node_down(full_node: NetnsNode) -> None:
    before = modification_times(full_node)
    done = run(full_node)
    assert (done.code, done.err) == (0, "")
    assert modification_times(full_node) == before


def test_a_changed_identity_on_a_full_disk_is_in_memory_until_there_is_room(full_node: NetnsNode) -> None:
    path = full_node.path(IDENTITY)
    path.write_text(path.read_text().replace("PRIORITY=254", "PRIORITY=9  "))  # in place: no more blocks
    done = run(full_node)
    assert done.code == 0
    assert f"% full: {CONF} cannot be written" in done.err
    assert "priority 9\n" in full_node.run("cat", CONF).out
    assert "I/O error" not in done.err
    full_node.path(FILL).write_text("")
    assert run(full_node).code == 0
    assert not full_node.path(CONF).is_symlink()
    assert "priority 9\n" in full_node.path(CONF).read_text()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("NODE_NAME=lb1.example.com\n", "", "NODE_NAME is missing"),
        ("NODE_NAME=lb1.example.com", "NODE_NAME=lb1", "NODE_NAME is no full host name: lb1"),
        ("NODE_NAME=lb1.example.com", "NODE_NAME=lb1.example.com;reboot", "NODE_NAME is no full host name"),
        ("ADDRESS=192.168.56.11", "ADDRESS=192.168.56.256", "ADDRESS is no IPv4 address"),
        ("PREFIX=24", "PREFIX=31", "PREFIX is no prefix length"),
        ("PRIORITY=254", "PRIORITY=255", "PRIORITY is no number from 1 to 254"),
        ("PRIORITY=254", "PRIORITY=1\nPRIORITY=2", "holds PRIORITY twice"),
        ("ALERT_SENDER=lb1@example.com", "ALERT_SENDER=$(reboot)", "ALERT_SENDER is no e-mail address"),
        ("PEERS=192.168.56.12", "PEERS=", "PEERS is empty"),
        ("PEERS=192.168.56.12", "PEERS=192.168.56.11", "PEERS holds this node's own address"),
        ("INTERFACE=auto", "INTERFACE=eth9", "192.168.56.11 is on eth0, not on eth9"),
        ("PREFIX=24", "PREFIX=24\nCOMMAND=reboot", "holds an unknown key: COMMAND"),
        ("PREFIX=24", "PREFIX=24\nreboot", "holds a line that is not KEY=VALUE"),
    ],
)
def test_an_invalid_identity_is_refused_with_the_reason(node: NetnsNode, old: str, new: str, reason: str) -> None:
    path = node.path(IDENTITY)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert_refused(node, reason)


def test_an_address_on_two_cards_is_refused_with_both(node: NetnsNode) -> None:
    """A network that is matched by a pattern gives every card the same address."""
    node.run("ip", "link", "add", "eth1", "type", "veth", "peer", "name", "eth1-peer")
    node.run("ip", "address", "add", f"{node.spec.address}/24", "dev", "eth1")
    try:
        assert_refused(node, f"{node.spec.address} is on several cards: eth0 eth1")
    finally:
        node.run("ip", "link", "delete", "eth1")


def test_a_missing_identity_is_refused_with_the_reason(node: NetnsNode) -> None:
    node.path(IDENTITY).unlink()
    assert_refused(node, f"{IDENTITY} is missing")


def assert_refused(node: NetnsNode, reason: str) -> None:
    """Assert that the program fails, gives the reason on stderr and the console, and leaves no keepalived.conf."""
    done = run(node)
    assert done.code == 1
    assert reason in done.err
    assert reason in node.path("/dev/console").read_text()
    assert not node.path(CONF).exists()
