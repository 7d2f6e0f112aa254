"""What keeps clients served: a silent HAProxy is noticed, late packets are answered, a hand-over has no gap."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from builder.core.waiting import until
from builder.lab.netns import INTERFACE, NamespacedPair, NetnsNode
from builder.lab.network import BRIDGE

pytestmark = pytest.mark.integration

LB1, LB2 = "lb1.example.com", "lb2.example.com"
LIMIT = 15
SILENT = "/run/vipforge/haproxy-silent"
ASK = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=5).status)"


@pytest.fixture(scope="module")
def served(start_pair: Callable) -> Iterator[NamespacedPair]:
    with start_pair("fast") as pair:
        pair.serve()
        yield pair


@pytest.fixture
def pair(served: NamespacedPair) -> NamespacedPair:
    wait_for_holder(served, LB1)
    return served


def wait_for_holder(pair: NamespacedPair, name: str) -> None:
    (vip,) = pair.cluster.vrrp.vips
    until(lambda: pair.holders(vip) == [name], f"{name} alone to hold {vip}", limit=LIMIT)


def wait_for_state(node: NetnsNode, state: str) -> None:
    until(
        lambda: node.path(SILENT).read_text().strip() == state, f"{SILENT} to contain {state}", limit=LIMIT, every=0.01
    )


def ask(pair: NamespacedPair) -> str:
    (vip,) = pair.cluster.vrrp.vips
    argv = [*pair.client(), sys.executable, "-c", ASK, f"http://{vip}/"]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=20).stdout.strip()


def test_a_haproxy_that_answers_is_never_called_silent(pair: NamespacedPair) -> None:
    """The wait is longer than the watch uses one connection."""
    changed = pair.nodes[0].path(SILENT).stat().st_mtime_ns
    time.sleep(4)
    assert pair.nodes[0].path(SILENT).stat().st_mtime_ns == changed


def test_the_end_of_haproxy_is_noticed_without_the_service_manager(pair: NamespacedPair) -> None:
    node = pair.nodes[1]
    node.signal("haproxy", "KILL")
    wait_for_state(node, "1")
    node.begin("haproxy")
    wait_for_state(node, "0")


def test_a_hang_and_its_end_are_noticed(pair: NamespacedPair) -> None:
    pair.nodes[0].signal("haproxy", "STOP")
    wait_for_state(pair.nodes[0], "1")
    wait_for_holder(pair, LB2)
    pair.nodes[0].signal("haproxy", "CONT")
    wait_for_state(pair.nodes[0], "0")
    wait_for_holder(pair, LB1)


def test_a_hand_over_moves_the_vip_away_and_back(pair: NamespacedPair) -> None:
    pair.nodes[0].run("/usr/libexec/vipforge/hand-over", "away")
    wait_for_holder(pair, LB2)
    assert ask(pair) == "200"
    pair.nodes[0].run("/usr/libexec/vipforge/hand-over", "back")
    wait_for_holder(pair, LB1)


def test_a_hand_over_requires_a_direction(pair: NamespacedPair) -> None:
    assert pair.nodes[0].run("/usr/libexec/vipforge/hand-over", check=False).code == 64


def test_a_client_that_missed_the_announcement_is_served_by_the_old_holder(pair: NamespacedPair) -> None:
    (vip,) = pair.cluster.vrrp.vips
    old = pair.nodes[1]
    mac = old.run("ip", "-o", "link", "show", "dev", INTERFACE).out.partition("link/ether ")[2].split()[0]
    stale = ["ip", "neighbour", "replace", str(vip), "lladdr", mac, "nud", "permanent", "dev", BRIDGE]
    subprocess.run([*pair.client(), *stale], check=True, timeout=LIMIT)
    try:
        assert pair.holders(vip) == [LB1]
        assert ask(pair) == "200"
    finally:
        forget = ["ip", "neighbour", "delete", str(vip), "dev", BRIDGE]
        subprocess.run([*pair.client(), *forget], check=True, timeout=LIMIT)
