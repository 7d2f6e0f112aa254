"""Waiting for a lab: what is reported meanwhile, and how the wait ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from builder.core.errors import TimedOut, UserError
from builder.lab import lifecycle, state, vm
from builder.lab.state import Lab, NamespaceKeeper
from builder.lab.status import LabStatus
from builder.nodes.status import stage
from tests.specs import quickstart
from tests.unit.lab.pair import BACKUP, HEALTHY, MASTER, VIP, node, pair

LAB = Lab(quickstart(), NamespaceKeeper(1, 1))
BOOTING = pair(node(1, ssh=False, cloud_init=""), node(2, ssh=False, cloud_init=""), ok=False)


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`show(a, b)`: the first look shows `a`, every later one `b`; no time passes in between."""

    def show_in_turn(*states: LabStatus) -> None:
        left = list(states)
        monkeypatch.setattr(lifecycle, "status", lambda _: left.pop(0) if len(left) > 1 else left[0])

    monkeypatch.setattr(lifecycle, "PAUSE_SECONDS", 0)
    return show_in_turn


def console(text: str) -> None:
    path = vm.console(LAB.cluster, LAB.cluster.nodes[0])
    path.parent.mkdir(parents=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"vm": "off", "ssh": False}, "its machine is off"),
        ({"ssh": False, "cloud_init": ""}, "booting, no SSH yet"),
        (
            {"ssh": False, "trouble": "op@lb1: Permission denied (publickey)."},
            "booting, SSH refuses the lab's key so far",
        ),
        ({"cloud_init": "running"}, "answers SSH, cloud-init is running"),
        ({"haproxy": "failed"}, "has booted; identity active, haproxy failed, keepalived active"),
        ({"vrrp": "MASTER", "vips": (VIP,)}, f"serves; VRRP MASTER, holds {VIP}"),
        ({}, "serves; VRRP undecided"),
    ],
)
def test_each_stage_is_described(changes: dict[str, object], text: str) -> None:
    assert stage(node(1, **changes)) == text


def test_a_healthy_pair_lacks_nothing() -> None:
    assert lifecycle.unready(HEALTHY) == []


def test_two_holders_are_not_ready() -> None:
    assert lifecycle.unready(pair(MASTER, node(2, vips=(VIP,)))) == [f"one holder of {VIP} (2 now)"]


def test_a_vip_without_an_answer_is_not_ready() -> None:
    assert lifecycle.unready(pair(MASTER, BACKUP, ok=False)) == [f"an answer on {VIP}:80 (timed out)"]


def test_each_change_is_reported_once(show: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    show(BOOTING, BOOTING, HEALTHY)
    lifecycle.wait_until_ready(LAB, "tcg")
    assert capsys.readouterr().err.splitlines() == [
        "lb1.example.com: booting, no SSH yet",
        "lb2.example.com: booting, no SSH yet",
        f"lb1.example.com: serves; VRRP MASTER, holds {VIP}",
        "lb2.example.com: serves; VRRP BACKUP",
    ]


def test_the_limit_names_what_is_missing_and_shows_the_console(
    show: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    show(BOOTING)
    monkeypatch.setitem(lifecycle.LIMITS, "tcg", 0)
    console("Linux version 6.1\nKernel panic\n")
    with pytest.raises(TimedOut) as caught:
        lifecycle.wait_until_ready(LAB, "tcg")
    assert "lb1.example.com (booting, no SSH yet)" in caught.value.message
    assert "    Kernel panic" in caught.value.message
    assert str(vm.console(LAB.cluster, LAB.cluster.nodes[0])) in caught.value.message
    assert "lab down" in caught.value.hint


def test_a_refused_identity_ends_the_wait(show: Callable[..., None]) -> None:
    show(BOOTING)
    console("login:\r\n\x1b[0mvipforge: this node has no valid identity: PEERS is empty. HAProxy stays down.\r\n")
    with pytest.raises(UserError, match=r"lb1\.example\.com: this node has no valid identity: PEERS is empty"):
        lifecycle.wait_until_ready(LAB, "tcg")


def test_a_stopped_machine_ends_the_wait(show: Callable[..., None]) -> None:
    show(pair(node(1, vm="off", ssh=False), BACKUP))
    console("Kernel panic\n")
    with pytest.raises(UserError, match=r"its machine has stopped \(off\)"):
        lifecycle.wait_until_ready(LAB, "tcg")


def test_a_lab_taken_down_meanwhile_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "find", lambda _: None)
    with pytest.raises(UserError, match="was taken down while it booted"):
        lifecycle.wait_until_ready(LAB, "tcg")
