"""IPv6 VIPs on real daemons: one that moves together with an IPv4 VIP, and an instance with only IPv6."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.core.waiting import until
from builder.guests import all_guests
from builder.lab import netns
from builder.lab.netns import INTERFACE, NamespacedPair, NetnsNode
from builder.lab.network import BRIDGE
from builder.spec.load import load
from tests import examples

pytestmark = pytest.mark.integration

FACTS = all_guests()["debian12"]
LB1, LB2 = "lb1.example.com", "lb2.example.com"
WEB4, WEB6, API = VIPS = ("192.168.59.10", "2001:db8:59::10", "2001:db8:59::20")
LIMIT = 15
WEB_ASK = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=5).read().decode().strip())"
TCP_ASK = "import socket, sys; print(socket.create_connection(sys.argv[1:], 5).recv(99).decode().strip())"


@pytest.fixture(scope="module")
def served(keepalived_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NamespacedPair]:
    cluster = load(examples.FOLDER / "ipv6.yml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIPFORGE_STATE", str(tmp_path_factory.mktemp("state")))
        with netns.pair(cluster, FACTS, FACTS.default_keepalived, keepalived_build) as pair:
            pair.serve()
            yield pair


@pytest.fixture
def running(served: NamespacedPair) -> NamespacedPair:
    wait_for(served, LB1)
    return served


def wait_for(pair: NamespacedPair, name: str) -> None:
    expected = {vip: [name] for vip in VIPS}
    until(lambda: {vip: pair.holders(vip) for vip in VIPS} == expected, f"{name} alone to hold all VIPs", limit=LIMIT)


def ask(pair: NamespacedPair, code: str, *words: str) -> str:
    argv = [*pair.client(), sys.executable, "-c", code, *words]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=20).stdout.strip()


def serves(pair: NamespacedPair) -> bool:
    """Return whether every VIP serves over its own family; one of the two web servers is IPv4, the other IPv6."""
    web = {ask(pair, WEB_ASK, f"http://{host}/") for host in (WEB4, f"[{WEB6}]") for _ in range(2)}
    return web == {"web1", "web2"} and ask(pair, TCP_ASK, API, "8443") in {"api1", "api2"}


def neighbour(pair: NamespacedPair, vip: str) -> str:
    """Return the hardware address in the neighbour table of the client's kernel for a VIP, without a look-up."""
    entry = subprocess.run(
        [*pair.client(), "ip", "neighbour", "show", vip, "dev", BRIDGE], capture_output=True, text=True, check=True
    ).stdout
    match = re.search(r"lladdr (\S+)", entry)
    return match[1] if match else ""


def mac(node: NetnsNode) -> str:
    return node.run("ip", "-o", "link", "show", "dev", INTERFACE).out.partition("link/ether ")[2].split()[0]


def test_clients_are_served_over_both_families(running: NamespacedPair) -> None:
    assert serves(running)


def test_a_failover_moves_both_families_and_is_announced_to_the_neighbours(running: NamespacedPair) -> None:
    assert serves(running)
    assert {neighbour(running, vip) for vip in VIPS} == {mac(running.nodes[0])}
    running.nodes[0].signal("haproxy", "KILL")
    wait_for(running, LB2)
    # The client has sent nothing since; it learns from gratuitous ARP and unsolicited neighbour advertisements.
    announced = {mac(running.nodes[1])}
    until(
        lambda: {neighbour(running, vip) for vip in VIPS} == announced,
        "the client to learn the new address",
        limit=LIMIT,
    )
    assert serves(running)
    running.nodes[0].begin("haproxy")
    wait_for(running, LB1)
    assert serves(running)


def test_a_vip_is_usable_at_once_and_never_chosen_as_source(running: NamespacedPair) -> None:
    shown = running.nodes[0].run("ip", "-o", "-6", "address", "show", "dev", INTERFACE).out
    for vip in (WEB6, API):
        (line,) = [line for line in shown.splitlines() if f"{vip}/128" in line]
        assert "nodad" in line
        assert "deprecated" in line
        assert "tentative" not in line


def test_the_old_holder_serves_clients_that_missed_the_move(running: NamespacedPair) -> None:
    stale = ["ip", "neighbour", "replace", WEB6, "lladdr", mac(running.nodes[1]), "nud", "permanent", "dev", BRIDGE]
    subprocess.run([*running.client(), *stale], check=True, timeout=LIMIT)
    try:
        assert running.holders(WEB6) == [LB1]
        assert ask(running, WEB_ASK, f"http://[{WEB6}]/") in {"web1", "web2"}
    finally:
        forget = ["ip", "neighbour", "delete", WEB6, "dev", BRIDGE]
        subprocess.run([*running.client(), *forget], check=True, timeout=LIMIT)


def test_a_killed_keepalived_leaves_no_vip_behind(running: NamespacedPair) -> None:
    running.nodes[0].signal("keepalived", "KILL")
    wait_for(running, LB2)
    running.nodes[0].begin("keepalived")
    wait_for(running, LB1)


def test_the_identity_waits_for_the_ipv6_address(running: NamespacedPair) -> None:
    identity = running.nodes[0].path("/etc/vipforge/identity")
    text = identity.read_text()
    output = running.nodes[0].run("/usr/libexec/vipforge/identity").out
    assert "this node is lb1.example.com: 192.168.59.11/24 and 2001:db8:59::11/64 on eth0" in output
    try:
        for old, new, reason in (
            ("ADDRESS6=2001:db8:59::11", "ADDRESS6=10.1.2.3", "ADDRESS6 is no IPv6 address: 10.1.2.3"),
            ("PREFIX6=64", "PREFIX6=128", "PREFIX6 is no prefix length from 16 to 126: 128"),
            ("PEERS6=2001:db8:59::12", "PEERS6=2001:db8:59::11", "PEERS6 holds this node's own address"),
            ("PREFIX6=64\n", "", "PREFIX6 is missing"),
            ("PRIORITY=254 254", "PRIORITY=254", "PRIORITY has 1 numbers for 2 VRRP instances"),
        ):
            identity.write_text(text.replace(old, new))
            done = running.nodes[0].run("/usr/libexec/vipforge/identity", check=False)
            assert (done.code, reason in done.err) == (1, True)
    finally:
        identity.write_text(text)
        running.nodes[0].run("/usr/libexec/vipforge/identity")
