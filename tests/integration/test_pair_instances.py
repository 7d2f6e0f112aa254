"""Several VRRP instances on real daemons: each node is master of one and backup of the other."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.core.waiting import until
from builder.guests import all_guests
from builder.lab import netns
from builder.lab.netns import NamespacedPair
from builder.lab.stubs.smtp_server import MAILS
from builder.spec.load import load
from tests import examples

pytestmark = pytest.mark.integration

FACTS = all_guests()["debian12"]
LB1, LB2 = "lb1.example.com", "lb2.example.com"
WEB, SHOP = "192.168.58.10", "192.168.58.20"
LIMIT = 15
ASK = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=5).read().decode().strip())"


@pytest.fixture(scope="module")
def served(keepalived_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NamespacedPair]:
    cluster = load(examples.FOLDER / "active-active.yml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIPFORGE_STATE", str(tmp_path_factory.mktemp("state")))
        with netns.pair(cluster, FACTS, FACTS.default_keepalived, keepalived_build) as pair:
            pair.serve()
            yield pair


@pytest.fixture
def running(served: NamespacedPair) -> NamespacedPair:
    wait_for(served, {WEB: LB1, SHOP: LB2})
    return served


def wait_for(pair: NamespacedPair, holders: dict[str, str]) -> None:
    expected = {vip: [name] for vip, name in holders.items()}
    until(
        lambda: {vip: pair.holders(vip) for vip in expected} == expected, f"the VIPs to be at {holders}", limit=LIMIT
    )


def ask(pair: NamespacedPair, vip: str) -> str:
    argv = [*pair.client(), sys.executable, "-c", ASK, f"http://{vip}/"]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=20).stdout.strip()


def test_each_node_is_master_of_one_and_each_vip_has_its_service(running: NamespacedPair) -> None:
    assert {ask(running, WEB), ask(running, WEB)} == {"web1", "web2"}
    assert {ask(running, SHOP), ask(running, SHOP)} == {"shop1", "shop2"}


@pytest.mark.parametrize(("broken", "other"), [(0, LB2), (1, LB1)])
def test_the_other_node_takes_the_vip_of_one_whose_haproxy_is_killed(
    running: NamespacedPair, broken: int, other: str
) -> None:
    running.nodes[broken].signal("haproxy", "KILL")
    wait_for(running, {WEB: other, SHOP: other})
    assert ask(running, WEB).startswith("web")
    assert ask(running, SHOP).startswith("shop")
    running.nodes[broken].begin("haproxy")
    wait_for(running, {WEB: LB1, SHOP: LB2})


@pytest.mark.parametrize(("broken", "other"), [(0, LB2), (1, LB1)])
@pytest.mark.parametrize("signal", ["TERM", "KILL"])
def test_the_other_node_takes_the_vip_of_one_whose_keepalived_ends(
    running: NamespacedPair, broken: int, other: str, signal: str
) -> None:
    node = running.nodes[broken]
    node.signal("keepalived", signal)
    wait_for(running, {WEB: other, SHOP: other})
    until(lambda: not node.pids("keepalived"), "keepalived to end", limit=LIMIT)
    node.begin("keepalived")
    wait_for(running, {WEB: LB1, SHOP: LB2})


def test_a_hand_over_moves_all_vips_away_and_its_end_brings_the_nodes_own_back(running: NamespacedPair) -> None:
    running.nodes[0].run("/usr/libexec/vipforge/hand-over", "away")
    wait_for(running, {WEB: LB2, SHOP: LB2})
    running.nodes[0].run("/usr/libexec/vipforge/hand-over", "back")
    wait_for(running, {WEB: LB1, SHOP: LB2})


def test_alerts_name_the_instance(running: NamespacedPair) -> None:
    mailbox = running.folder / MAILS
    mails = [json.loads(line)["content"] for line in mailbox.read_text().splitlines()]
    for instance in ("web", "shop"):
        assert [mail for mail in mails if f"[{LB2}] VRRP Instance {instance} - Entering MASTER state" in mail]
