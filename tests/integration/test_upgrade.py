"""An upgrade with the real HAProxy and keepalived while a probe runs; only the machines are simulated.

A power cut is simulated by pulling a node's cable and killing its daemons; a machine with a bad image has no HAProxy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

import pytest

from builder.core.errors import TimedOut
from builder.core.progress import Step
from builder.core.waiting import until
from builder.faults.analysis import Observations
from builder.faults.pairs.netns import NetnsPair, serving_pair
from builder.faults.watch import Pace, watching
from builder.nodes import upgrade
from builder.nodes.status import NodeState
from builder.nodes.upgrade import Standing, Upgrade
from builder.spec.model import Node

pytestmark = pytest.mark.integration

LB1, LB2 = "lb1.example.com", "lb2.example.com"
PACE = Pace(rate=0.02, timeout=2.0)
LONGEST = 2.0
"""Seconds without an answer on a busy host; without a hand-over it would be more than three."""


@pytest.fixture(scope="module")
def started(start_pair: Callable) -> Iterator[NetnsPair]:
    with start_pair("standard") as pair:
        yield serving_pair(pair)


@pytest.fixture
def pair(started: NetnsPair, monkeypatch: pytest.MonkeyPatch) -> NetnsPair:
    monkeypatch.setattr(upgrade, "PAUSE_SECONDS", 0.3)
    return started


class World:
    """Both of the upgrade's protocols, implemented by a pair in namespaces."""

    def __init__(self, pair: NetnsPair, image: str = "good") -> None:
        self.pair = pair
        self.image = image
        self.images = dict.fromkeys(pair.names, "old")
        self.kept: dict[str, str] = {}

    def standing(self, node: Node) -> Standing:
        return Standing(self.images[node.name] == self.image, node.name in self.kept)

    def prepare(self, _: object) -> list[Step]:
        return []

    def replace(self, node: Node) -> list[Step]:
        off = Step(f"{node.name} off", False, partial(self._off, node.name))
        return [off, Step(f"{node.name} on", False, partial(self._on, node.name, self.image))]

    def restore(self, node: Node) -> list[Step]:
        off = Step(f"{node.name} off again", False, partial(self._off, node.name))
        return [off, Step(f"{node.name} back", False, lambda: self._on(node.name, self.kept.pop(node.name)))]

    def discard(self, node: Node) -> list[Step]:
        return [Step(f"{node.name}: old removed", False, lambda: self.kept.pop(node.name))]

    def look(self) -> dict[str, NodeState]:
        return {name: self._state(name) for name in self.pair.names}

    def hand_over(self, node: Node, way: str) -> None:
        self.pair.hand_over(node.name, way)

    def forget(self, node: Node) -> None:
        """Do nothing: there is neither a connection nor a host key."""

    def silent(self) -> list[str]:
        return []

    def _off(self, name: str) -> None:
        self.pair.unplug(name)
        self.pair.signal(name, "keepalived", "KILL")
        self.pair.signal(name, "haproxy", "KILL")
        until(lambda: not self._pids(name), f"the daemons of {name} to end", limit=15)
        self.kept.setdefault(name, self.images[name])

    def _on(self, name: str, image: str) -> None:
        self.pair.hand_over(name, "back")  # a machine that has just booted has handed nothing over
        self.pair.shell(name, "/usr/libexec/vipforge/drop-vips")
        self.pair.plug(name)
        if image != "bad":
            self.pair.start(name, "haproxy")
        self.pair.start(name, "keepalived")
        self.images[name] = image

    def _pids(self, name: str) -> str:
        return self.pair.shell(name, "pidof haproxy keepalived || true").strip()

    def _state(self, name: str) -> NodeState:
        state = self.pair.state(name)
        daemon = "inactive" if state == "off" else "active"
        holds = self.pair.shell(name, f"ip -o address show to {self.pair.vip}").strip()
        healthy = {"cloud_init": "done", "identity": "active", "haproxy": daemon, "keepalived": daemon}
        vips = (self.pair.vip,) if holds else ()
        return NodeState(name, "running", ssh=True, **healthy, vrrp=state, vips=vips)


def longest_silence(observations: Observations) -> float:
    """Return the longest time between two good answers of the web service, in seconds."""
    good = sorted(
        sample.at + sample.latency for sample in observations.samples if sample.probe == "http" and sample.ok
    )
    return max(later - earlier for earlier, later in pairwise(good))


def test_both_nodes_are_renewed_while_clients_are_served(pair: NetnsPair) -> None:
    world = World(pair)
    with watching(pair, PACE) as watch:
        assert Upgrade(pair.cluster, world, world, seconds=60).carry_out() == [LB2, LB1]
        watch.until(lambda observations: observations.holders() == (LB1,), f"{LB1} to hold its VIP again", limit=30)
        observations = watch.finish()
    assert world.images == {LB1: "good", LB2: "good"}
    assert longest_silence(observations) < LONGEST


def test_a_bad_image_is_rolled_back_and_clients_do_not_notice(pair: NetnsPair) -> None:
    world = World(pair, "bad")
    with watching(pair, PACE) as watch:
        with pytest.raises(TimedOut, match="its old machine is back, and serves"):
            Upgrade(pair.cluster, world, world, seconds=8).carry_out()
        watch.until(lambda observations: observations.holders() == (LB1,), f"{LB1} to hold its VIP again", limit=30)
        observations = watch.finish()
    assert world.images == {LB1: "old", LB2: "old"}
    assert longest_silence(observations) < LONGEST
