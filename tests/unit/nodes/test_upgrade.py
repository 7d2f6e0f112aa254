"""An upgrade of a simulated pair: its order, the service meanwhile, and the state after failures and interruptions."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType

import pytest

from builder.core.errors import TimedOut, UserError
from builder.core.progress import Step
from builder.nodes import upgrade
from builder.nodes.status import NodeState
from builder.nodes.upgrade import Standing, Upgrade
from builder.spec.model import Node
from tests.specs import quickstart

CLUSTER = quickstart()
ONE, TWO = CLUSTER.nodes
VIP = str(CLUSTER.vrrp.vips[0])
OFF = MappingProxyType({"ssh": False, "trouble": "no route to host"})


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upgrade, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(upgrade, "HAND_OVER_SECONDS", 0)
    monkeypatch.setattr(upgrade, "SETTLE_SECONDS", 0)


@dataclass
class World:
    """Both protocols in one: the images of the running and the kept machines, and which node wants the VIP."""

    current: str = "new"
    runs: dict[str, str] = field(default_factory=lambda: {ONE.name: "old", TWO.name: "old"})
    kept: dict[str, str] = field(default_factory=dict)
    sick: tuple[str, ...] = ()
    """Images that never become healthy."""
    away: set[str] = field(default_factory=set)
    stubborn: bool = False
    did: list[str] = field(default_factory=list)
    lost: bool = False
    """Whether there was a moment in which no node served."""

    def standing(self, node: Node) -> Standing:
        return Standing(self.runs.get(node.name) == self.current, node.name in self.kept)

    def prepare(self, nodes: list[Node]) -> list[Step]:
        assert nodes
        return [Step("image", False, lambda: self.did.append("image"))]

    def replace(self, node: Node) -> list[Step]:
        def aside() -> None:
            self.kept.setdefault(node.name, self.runs.pop(node.name))
            self.away.discard(node.name)

        def make() -> None:
            self.runs[node.name] = self.current
            self.did.append(f"new {node.name}")

        return [
            Step(f"{node.name}: set aside", node.name in self.kept, self._watched(aside)),
            Step(f"{node.name}: made", False, self._watched(make)),
        ]

    def restore(self, node: Node) -> list[Step]:
        def back() -> None:
            if node.name in self.kept:
                self.runs[node.name] = self.kept.pop(node.name)
                self.did.append(f"back {node.name}")

        return [Step(f"{node.name}: back", False, self._watched(back))]

    def discard(self, node: Node) -> list[Step]:
        return [Step(f"{node.name}: old removed", False, lambda: self.kept.pop(node.name))]

    def look(self) -> dict[str, NodeState]:
        return {node.name: self._state(node) for node in CLUSTER.nodes}

    def hand_over(self, node: Node, way: str) -> None:
        self.did.append(f"{way} {node.name}")
        if not self.stubborn:
            (self.away.add if way == "away" else self.away.discard)(node.name)

    def forget(self, node: Node) -> None:
        self.did.append(f"forget {node.name}")

    def silent(self) -> list[str]:
        return [] if self._holder() else [f"{VIP}:80"]

    def _serving(self) -> list[Node]:
        return [node for node in CLUSTER.nodes if self.runs.get(node.name, "none") not in (*self.sick, "none")]

    def _holder(self) -> str:
        ranked = sorted(self._serving(), key=lambda node: (node.name in self.away, -node.priority))
        return ranked[0].name if ranked else ""

    def _state(self, node: Node) -> NodeState:
        if node not in self._serving():
            return NodeState(node.name, "running", **OFF)
        holds = self._holder() == node.name
        healthy = {"cloud_init": "done", "identity": "active", "haproxy": "active", "keepalived": "active"}
        return NodeState(
            node.name,
            "running",
            ssh=True,
            **healthy,
            vrrp="MASTER" if holds else "BACKUP",
            vips=(VIP,) if holds else (),
        )

    def _watched(self, act):
        def acting() -> None:
            act()
            self.lost = self.lost or not self._holder()

        return acting


def upgrade_all(world: World) -> list[str]:
    return Upgrade(CLUSTER, world, world, seconds=0).carry_out()


def test_the_standby_comes_first_and_the_holder_hands_over_before_it_goes() -> None:
    world = World()
    assert upgrade_all(world) == [TWO.name, ONE.name]
    assert world.did == [
        "image",
        f"new {TWO.name}",
        f"forget {TWO.name}",
        f"away {ONE.name}",
        f"new {ONE.name}",
        f"forget {ONE.name}",
    ]
    assert world.runs == {ONE.name: "new", TWO.name: "new"}
    assert (world.kept, world.lost) == ({}, False)


def test_a_second_run_changes_nothing_and_asks_no_node() -> None:
    world = World(runs={ONE.name: "new", TWO.name: "new"})
    world.look = None
    assert upgrade_all(world) == []
    assert world.did == []
    assert Upgrade(CLUSTER, world, world, 0).plan().splitlines() == [
        f"= {node.name}: matches the spec and the image" for node in CLUSTER.nodes
    ]


def test_a_plan_lists_every_step_in_order_and_does_nothing() -> None:
    world = World()
    assert Upgrade(CLUSTER, world, world, 300).plan().splitlines() == [
        "+ image",
        f"+ {TWO.name}: set aside",
        f"+ {TWO.name}: made",
        f"+ {TWO.name}: healthy within 5 min 00 s, or else the old machine runs again",
        f"+ {TWO.name}: the old machine removed",
        f"+ {ONE.name}: hand {VIP} over",
        f"+ {ONE.name}: set aside",
        f"+ {ONE.name}: made",
        f"+ {ONE.name}: healthy within 5 min 00 s, or else the old machine runs again",
        f"+ {ONE.name}: the old machine removed",
    ]
    assert world.did == []


def test_a_node_that_stays_unhealthy_gets_its_old_machine_back_and_the_other_is_not_changed() -> None:
    world = World(sick=("new",))
    with pytest.raises(TimedOut) as failure:
        upgrade_all(world)
    message = str(failure.value)
    assert f"{TWO.name} booting, no SSH yet (no route to host)" in message
    assert "its old machine is back, and serves" in message
    assert "renewed before it: none" in message
    assert world.runs == {ONE.name: "old", TWO.name: "old"}
    assert (world.kept, world.lost) == ({}, False)


def test_an_old_machine_that_does_not_serve_either_is_reported_and_the_other_node_serves_on() -> None:
    world = World(runs={ONE.name: "old", TWO.name: "broken"}, sick=("new", "broken"))
    with pytest.raises(TimedOut, match="and its old machine does not serve either"):
        upgrade_all(world)
    assert world.lost is False


def test_the_last_node_that_serves_is_never_replaced() -> None:
    world = World(runs={ONE.name: "broken", TWO.name: "old"}, sick=("broken",))
    assert Upgrade(CLUSTER, world, world, 0).todo() == [ONE, TWO]
    assert upgrade_all(world) == [ONE.name, TWO.name], "the broken one is replaced first because it holds no VIP"
    alone = World(runs={ONE.name: "new", TWO.name: "old"}, sick=("new",))
    with pytest.raises(UserError, match=f"without {TWO.name} nothing would serve: {ONE.name} booting, no SSH yet"):
        upgrade_all(alone)
    assert alone.runs[TWO.name] == "old"


def test_a_node_that_does_not_hand_over_is_not_changed() -> None:
    world = World(runs={ONE.name: "old", TWO.name: "new"}, stubborn=True)
    with pytest.raises(TimedOut, match=f"{ONE.name} still holds {VIP}"):
        upgrade_all(world)
    assert world.did == ["image", f"away {ONE.name}", f"back {ONE.name}"]
    assert world.runs[ONE.name] == "old"


def test_an_interrupted_upgrade_continues_with_the_node_that_was_not_found_healthy() -> None:
    world = World(runs={ONE.name: "old", TWO.name: "new"}, kept={TWO.name: "old"})
    assert upgrade_all(world) == [TWO.name, ONE.name]
    assert f"new {TWO.name}" not in world.did
    assert world.kept == {}


def test_a_machine_that_was_set_aside_but_not_replaced_is_replaced_now() -> None:
    world = World(runs={ONE.name: "old"}, kept={TWO.name: "old"})
    assert upgrade_all(world) == [TWO.name, ONE.name]
    assert world.lost is False


def test_a_step_that_fails_brings_the_old_machine_back(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()

    def full() -> None:
        raise UserError("no space left")

    steps = world.replace
    monkeypatch.setattr(world, "replace", lambda node: [steps(node)[0], Step(f"{node.name}: disk", False, full)])
    with pytest.raises(UserError, match="no space left") as failure:
        upgrade_all(world)
    assert "its old machine is back, and serves" in failure.value.message
    assert world.runs == {ONE.name: "old", TWO.name: "old"}


def test_an_interruption_says_how_to_continue(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World()

    def interrupt(node: Node) -> list[Step]:
        raise KeyboardInterrupt(node.name)

    monkeypatch.setattr(world, "discard", interrupt)
    with pytest.raises(KeyboardInterrupt):
        upgrade_all(world)
    assert f"interrupted at {TWO.name}: run the same command again to continue from here" in capsys.readouterr().err
