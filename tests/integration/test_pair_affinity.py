"""Clients keep their servers: the nodes exchange HAProxy's tables, with real daemons in namespaces."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.core.waiting import launch, until
from builder.guests import all_guests
from builder.lab import netns
from builder.lab.netns import NamespacedPair, NetnsNode
from builder.lab.network import BRIDGE
from tests.specs import quickstart

pytestmark = pytest.mark.integration

FACTS = all_guests()["debian12"]
LB1, LB2 = "lb1.example.com", "lb2.example.com"
VIP, PORT = "192.168.56.10", 8080
CLIENTS = [f"192.168.56.{number}" for number in range(201, 209)]
SERVERS = [{"name": f"db{number}", "address": f"192.168.56.2{number}", "port": PORT} for number in (1, 2)]
SERVICE = {"name": "db", "mode": "tcp", "port": PORT, "affinity": {"by": "source"}, "servers": SERVERS}
LIMIT = 20
RESYNC_FINISHED = 0x3
"""PEERS_RESYNC_FINISHED in HAProxy's peers-t.h."""
ASK = """
import json, socket, sys
vip, port, *clients = sys.argv[1:]
servers = {}
for client in clients:
    with socket.create_connection((vip, int(port)), 10, (client, 0)) as connection:
        servers[client] = connection.makefile().readline().strip()
print(json.dumps(servers))
"""


@pytest.fixture(scope="module")
def pair(keepalived_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NamespacedPair]:
    """The pair, with the VIP on lb1 and a HAProxy there that can be reloaded."""
    cluster = quickstart(services=[SERVICE], vrrp={"profile": "fast"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIPFORGE_STATE", str(tmp_path_factory.mktemp("state")))
        with netns.pair(cluster, FACTS, FACTS.default_keepalived, keepalived_build) as pair:
            for client in CLIENTS:
                argv = [*pair.client(), "ip", "address", "add", f"{client}/24", "dev", BRIDGE]
                subprocess.run(argv, check=True, timeout=LIMIT)
            first, second = pair.nodes
            first.identify()
            begin_reloadable(first)
            first.begin("keepalived")
            second.identify()
            second.begin("haproxy")
            second.begin("keepalived")
            wait_for_holder(pair, LB1)
            for node in pair.nodes:
                wait_for_tables(node)
            yield pair


def begin_reloadable(node: NetnsNode) -> None:
    """Start HAProxy as the guest's unit does, with the options from the identity program."""
    options = node.path("/run/vipforge/haproxy.env").read_text().partition('EXTRAOPTS="')[2].partition('"')[0].split()
    argv = node.inside("haproxy", "-W", "-n", "2000", "-p", "/run/main", "-f", "/etc/haproxy/haproxy.cfg", *options)
    log = node.folder / "haproxy.log"
    launch(argv, node.path("/run/haproxy/admin.sock").exists, "haproxy", log=log, limit=LIMIT)
    node.run("/usr/libexec/vipforge/haproxy-state", "up")


def reload(node: NetnsNode) -> None:
    before = set(node.pids("haproxy"))
    node.run("kill", "-USR2", node.path("/run/main").read_text().strip())
    until(lambda: set(node.pids("haproxy")) - before, "a new process", limit=LIMIT, every=0.01)


def wait_for_holder(pair: NamespacedPair, name: str) -> None:
    until(lambda: pair.holders(VIP) == [name], f"{name} alone to hold {VIP}", limit=LIMIT)


def wait_for_tables(node: NetnsNode) -> None:
    """Wait until HAProxy has learned from its peers; a younger one does not teach its successor."""
    until(lambda: peers_flags(node) & RESYNC_FINISHED == RESYNC_FINISHED, f"tables of {node.spec.name}", limit=LIMIT)


def peers_flags(node: NetnsNode) -> int:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(node.path("/run/haproxy/admin.sock")))
        connection.sendall(b"show peers\n")
        answer = connection.makefile().read()
    return int(re.findall(r"id=vipforge .*?flags=(0x[0-9a-f]+)", answer)[0], 16)


def ask(pair: NamespacedPair, clients: list[str]) -> dict[str, str]:
    """The server of each client, which is asked for in this order."""
    argv = [*pair.client(), sys.executable, "-c", ASK, VIP, str(PORT), *clients]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.fixture
def known(pair: NamespacedPair) -> dict[str, str]:
    """The server of each client; a HAProxy that forgot them gives half of them another one in the order of `again`."""
    found = ask(pair, CLIENTS)
    assert sorted(found.values()) == ["db1"] * 4 + ["db2"] * 4
    return found


def again(pair: NamespacedPair) -> dict[str, str]:
    return ask(pair, CLIENTS[::2] + CLIENTS[1::2])


def test_a_reload_remembers_clients_also_while_no_other_node_does(pair: NamespacedPair, known: dict[str, str]) -> None:
    first, second = pair.nodes
    second.end("haproxy")
    reload(first)
    assert again(pair) == known
    second.begin("haproxy")
    wait_for_tables(second)


def test_clients_keep_their_servers_when_the_vip_moves_and_comes_back(
    pair: NamespacedPair, known: dict[str, str]
) -> None:
    first, _ = pair.nodes
    first.run("/usr/libexec/vipforge/hand-over", "away")
    wait_for_holder(pair, LB2)
    assert again(pair) == known
    first.run("/usr/libexec/vipforge/hand-over", "back")
    wait_for_holder(pair, LB1)
    assert again(pair) == known


def test_a_haproxy_that_was_killed_learns_from_the_other_node(pair: NamespacedPair, known: dict[str, str]) -> None:
    first, _ = pair.nodes
    first.signal("haproxy", "KILL")
    first.run("/usr/libexec/vipforge/haproxy-state", "down")
    wait_for_holder(pair, LB2)
    assert again(pair) == known
    first.path("/run/haproxy/admin.sock").unlink()
    begin_reloadable(first)
    wait_for_holder(pair, LB1)
    assert again(pair) == known
