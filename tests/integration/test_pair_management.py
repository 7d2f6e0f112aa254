"""A pair whose nodes have a management card, in network namespaces with two bridges."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.core.run import run
from builder.guests import all_guests
from builder.lab import netns
from builder.lab.netns import NamespacedPair
from builder.spec.load import load
from tests import examples

pytestmark = pytest.mark.integration

FACTS = all_guests()["debian12"]
FIREWALL, IDENTITY = "/usr/share/vipforge/firewall.nft", "/etc/vipforge/identity"
KNOCK = """\
import socket, sys
knock = socket.socket()
knock.settimeout(1)
try:
    knock.connect((sys.argv[1], int(sys.argv[2])))
except OSError as error:
    print(type(error).__name__)
else:
    print("open")
"""


@pytest.fixture(scope="module")
def pair(keepalived_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NamespacedPair]:
    """The example's pair, with the firewall that a node has until firewalld runs."""
    cluster = load(examples.FOLDER / "management.yml").model_copy(update={"snmp": False})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIPFORGE_STATE", str(tmp_path_factory.mktemp("state")))
        with netns.pair(cluster, FACTS, FACTS.default_keepalived, keepalived_build) as started:
            for node in started.nodes:
                node.run("nft", "--file", FIREWALL)
            yield started


def knock(pair: NamespacedPair, address: object, port: int) -> str:
    """Connect from the client: `open`, `ConnectionRefusedError` where the firewall lets in, or else `TimeoutError`."""
    return run([*pair.client(), sys.executable, "-c", KNOCK, str(address), str(port)], timeout=30).out.strip()


def test_the_pair_serves_on_the_clusters_cards_alone(pair: NamespacedPair) -> None:
    pair.serve()
    node = pair.nodes[0]
    assert knock(pair, node.spec.address, 80) == "ConnectionRefusedError"  # HAProxy listens on the VIP
    conf = node.path("/etc/keepalived/keepalived.conf").read_text()
    assert "interface eth0" in conf
    assert "10.9.0." not in conf
    assert "10.9.0.11/24" in node.run("ip", "-o", "address", "show", "dev", "eth1").out


def test_ssh_is_let_in_on_the_management_address_alone(pair: NamespacedPair) -> None:
    for node in pair.nodes:
        assert knock(pair, node.spec.management, 22) == "ConnectionRefusedError"
        assert knock(pair, node.spec.address, 22) == "TimeoutError"


def test_the_management_address_answers_on_its_own_card_alone(pair: NamespacedPair) -> None:
    """Linux takes a packet for any of its addresses from any card, so a route by the other card would lead there."""
    node = pair.nodes[0]
    detour = ["route", "add", f"{node.spec.management}/32", "via", str(node.spec.address), "dev", "br0"]
    run([*pair.client(), "ip", *detour], timeout=30)
    try:
        assert knock(pair, node.spec.management, 22) == "TimeoutError"
        node.run("nft", "delete", "table", "inet", "vipforge_management")
        assert knock(pair, node.spec.management, 22) == "ConnectionRefusedError"
    finally:
        node.run("nft", "--file", FIREWALL)
        run([*pair.client(), "ip", "route", "delete", f"{node.spec.management}/32"], timeout=30)


def test_the_nodes_reach_the_networks_behind_the_management_card(pair: NamespacedPair) -> None:
    assert "via 10.9.0.1 dev eth1" in pair.nodes[0].run("ip", "route", "get", "10.20.1.1").out
    assert "via 192.168.60.1 dev eth0" in pair.nodes[0].run("ip", "route", "get", "10.21.1.1").out


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ("MANAGEMENT=10.9.0.300/24", "MANAGEMENT is no IPv4 address"),
        ("MANAGEMENT=10.9.0.11", "MANAGEMENT has no prefix length"),
        ("MANAGEMENT=192.168.60.12/24", "MANAGEMENT is this node's own address"),
    ],
)
def test_an_invalid_management_address_is_refused_with_the_reason(pair: NamespacedPair, new: str, reason: str) -> None:
    node = pair.nodes[1]
    path = node.path(IDENTITY)
    whole = path.read_text()
    path.write_text(whole.replace("MANAGEMENT=10.9.0.12/24", new))
    done = node.run("/usr/libexec/vipforge/identity", check=False)
    path.write_text(whole)
    assert (done.code, reason in done.err) == (1, True), done.err
