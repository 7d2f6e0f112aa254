"""The pair in the VM lab; commands for the nodes and for QEMU are recorded instead of run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from builder.core.errors import TimedOut
from builder.core.run import CommandFailed
from builder.faults.model import StateChange
from builder.faults.pairs import vm
from builder.faults.pairs.vm import VmPair
from builder.lab.state import Lab, NamespaceKeeper
from builder.nodes.status import NodeState
from tests.specs import quickstart

LB1, LB2 = "lb1.example.com", "lb2.example.com"
JOURNAL = "[    5.000000] lb1 Keepalived_vrrp[532]: (VI_1) Entering MASTER STATE\nuptime=7.00\n"

Say = Callable[[str, str], str]


@pytest.fixture
def pair() -> VmPair:
    return VmPair(Lab(quickstart(), NamespaceKeeper(1, 1)), "tcg")


@pytest.fixture
def on_nodes(monkeypatch: pytest.MonkeyPatch) -> Callable[[Say], list[tuple[str, str]]]:
    """Let a function answer for the nodes; returns a list of the requests (node and script)."""

    def answer(say: Say) -> list[tuple[str, str]]:
        asked: list[tuple[str, str]] = []

        def run(words: list[str], *, stdin: str, timeout: float) -> Any:
            assert timeout > 0
            node = next(word for word in words if word in (LB1, LB2))
            asked.append((node, stdin))
            return SimpleNamespace(out=say(node, stdin))

        monkeypatch.setattr(vm, "run", run)
        return asked

    return answer


def test_daemons_are_controlled_through_systemd(pair: VmPair, on_nodes: Any) -> None:
    asked = on_nodes(lambda *_: "")
    pair.signal(LB1, "haproxy", "KILL")
    pair.start(LB1, "haproxy")
    pair.stop(LB2, "keepalived")
    assert asked == [
        (LB1, "systemctl kill --signal=KILL haproxy.service || true"),
        (LB1, "systemctl start haproxy.service"),
        (LB2, "systemctl stop keepalived.service"),
    ]


@pytest.mark.parametrize("failure", [CommandFailed(["ssh"], 255, ["no route"]), TimedOut("ssh was still running")])
def test_an_unavailable_journal_only_costs_that_nodes_log(
    pair: VmPair, on_nodes: Any, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def say(node: str, _: str) -> str:
        if node == LB2:
            raise failure
        return JOURNAL

    on_nodes(say)
    monkeypatch.setattr(vm.time, "monotonic", lambda: 100.0)
    moments, logs = pair.history(90)
    assert moments == [StateChange(98.0, LB1, "MASTER")]
    assert logs[LB1].startswith("    8.000  Keepalived_vrrp")
    assert logs[LB2] == f"journal unavailable: {failure}"


def test_versions_come_from_the_first_node_and_include_the_accelerator(pair: VmPair, on_nodes: Any) -> None:
    asked = on_nodes(lambda *_: "Keepalived v2.3.3 (03/30,2025)\nHAProxy version 2.6.12-1\n6.1.0-18-cloud-amd64\n")
    assert pair.versions() == {
        "keepalived": "2.3.3", "haproxy": "2.6.12", "kernel": "6.1.0-18-cloud-amd64", "accelerator": "tcg",
    }  # fmt: skip
    assert [node for node, _ in asked] == [LB1]


@pytest.mark.parametrize(("serves", "state"), [(True, "MASTER"), (False, "off")])
def test_a_node_that_does_not_serve_is_off(
    pair: VmPair, monkeypatch: pytest.MonkeyPatch, *, serves: bool, state: str
) -> None:
    haproxy = "active" if serves else "failed"
    seen = NodeState(
        LB1, "running", ssh=True, cloud_init="done", haproxy=haproxy, keepalived="active", instances={"VI_1": "MASTER"}
    )
    monkeypatch.setattr(vm, "node_state", lambda *_: seen)
    assert pair.state(LB1) == state


def test_machines_are_controlled_through_their_qemu_monitors(pair: VmPair, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    class Monitor:
        def __getattr__(self, name: str) -> Any:
            return lambda **words: done.append(f"{name} {words}" if words else name)

    @contextmanager
    def connected(_: object) -> Iterator[Monitor]:
        yield Monitor()

    monkeypatch.setattr(vm.qmp, "connected", connected)
    monkeypatch.setattr(vm.vm, "state", lambda *_: "off")
    monkeypatch.setattr(vm.vm, "power_on", lambda _lab, node, how: done.append(f"start {node.name} {how}"))
    machine = pair.machine(LB1)
    for press in (machine.pause, machine.resume, machine.reset, machine.cut_power, machine.power_on):
        press()
    assert [(moment.node, moment.state) for moment in pair.state_changes] == [
        (LB1, "off"), (LB1, "MASTER"), (LB1, "off"), (LB1, "off"),
    ]  # fmt: skip
    pair.machine(LB2).resume()
    assert (pair.state_changes[-1].node, pair.state_changes[-1].state) == (LB2, "BACKUP")
    done.pop()
    pair.unplug(LB1)
    pair.plug(LB1)
    assert done == [
        "pause", "resume", "reset", "quit", f"start {LB1} tcg",
        "link {'up': False, 'card': 'net0'}", "link {'up': True, 'card': 'net0'}",
    ]  # fmt: skip
