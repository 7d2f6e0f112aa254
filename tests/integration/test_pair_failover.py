"""Real HAProxy and keepalived with each profile: which node holds the VIP, and where it moves when a daemon ends."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from builder.core.waiting import until
from builder.lab.netns import NamespacedPair

pytestmark = pytest.mark.integration

LB1, LB2 = "lb1.example.com", "lb2.example.com"
TAKEOVER_SECONDS = 10
ASK = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=5).read().decode().strip())"


@pytest.fixture(scope="module", params=["classic", "standard", "fast"])
def served(request: pytest.FixtureRequest, start_pair: Callable) -> Iterator[NamespacedPair]:
    """A pair that serves; each test restores it."""
    with start_pair(request.param) as pair:
        pair.serve()
        yield pair


@pytest.fixture
def pair(served: NamespacedPair) -> NamespacedPair:
    wait_for_holder(served, LB1)
    return served


def wait_for_holder(pair: NamespacedPair, name: str) -> None:
    (vip,) = pair.cluster.vrrp.vips
    until(lambda: pair.holders(vip) == [name], f"{name} alone to hold {vip}", limit=TAKEOVER_SECONDS)


def ask(pair: NamespacedPair) -> str:
    """Return the answer of the web service on the VIP."""
    (vip,) = pair.cluster.vrrp.vips
    argv = [*pair.client(), sys.executable, "-c", ASK, f"http://{vip}/"]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=20).stdout.strip()


def test_the_node_of_highest_priority_holds_the_vip_and_serves(pair: NamespacedPair) -> None:
    assert {ask(pair), ask(pair)} == {"web1", "web2"}


def test_the_vip_leaves_a_node_whose_haproxy_is_killed_and_comes_back(pair: NamespacedPair) -> None:
    pair.nodes[0].signal("haproxy", "KILL")
    wait_for_holder(pair, LB2)
    assert ask(pair) in {"web1", "web2"}
    pair.nodes[0].begin("haproxy")
    wait_for_holder(pair, LB1)
    assert ask(pair) in {"web1", "web2"}


def test_a_killed_keepalived_leaves_no_vip_behind(pair: NamespacedPair) -> None:
    pair.nodes[0].signal("keepalived", "KILL")
    wait_for_holder(pair, LB2)
    pair.nodes[0].begin("keepalived")
    wait_for_holder(pair, LB1)


def test_the_backup_can_leave_and_return_without_a_move(pair: NamespacedPair) -> None:
    (vip,) = pair.cluster.vrrp.vips
    pair.nodes[1].end("keepalived")
    pair.nodes[1].begin("keepalived")
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        assert pair.holders(vip) == [LB1]
