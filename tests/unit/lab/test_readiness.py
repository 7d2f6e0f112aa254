"""Waiting for a lab: what it says on the way, and how it ends."""

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
def surveys(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`surveys(a, b)`: the first look shows `a`, every later one `b`; no time passes in between."""

    def give(*seen: LabStatus) -> None:
        left = list(seen)
        monkeypatch.setattr(lifecycle, "status", lambda _: left.pop(0) if len(left) > 1 else left[0])

    monkeypatch.setattr(lifecycle, "PAUSE_SECONDS", 0)
    return give


def console(text: str) -> None:
    path = vm.console(LAB.cluster, LAB.cluster.nodes[0])
    path.parent.mkdir(parents=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"vm": "off", "ssh": False}, "its machine is off"),
        ({"ssh": False, "cloud_init": ""}, "boots, no SSH yet"),
        (
            {"ssh": False, "trouble": "op@lb1: Permission denied (publickey)."},
            "boots, SSH refuses the lab's key so far",
        ),
        ({"cloud_init": "running"}, "answers SSH, cloud-init is at work"),
        ({"haproxy": "failed"}, "has booted; identity active, haproxy failed, keepalived active"),
        ({"vrrp": "MASTER", "vips": (VIP,)}, f"serves; VRRP MASTER, holds {VIP}"),
        ({}, "serves; VRRP undecided"),
    ],
)
def test_each_stage_has_its_words(changes: dict[str, object], told: str) -> None:
    assert stage(node(1, **changes)) == told


def test_a_healthy_pair_misses_nothing() -> None:
    assert lifecycle.unready(HEALTHY) == []


def test_two_holders_are_not_ready() -> None:
    assert lifecycle.unready(pair(MASTER, node(2, vips=(VIP,)))) == [f"one holder of {VIP} (2 now)"]


def test_a_vip_without_an_answer_is_not_ready() -> None:
    assert lifecycle.unready(pair(MASTER, BACKUP, ok=False)) == [f"an answer on {VIP}:80 (timed out)"]


def test_each_change_is_told_once(surveys: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    surveys(BOOTING, BOOTING, HEALTHY)
    lifecycle.wait_until_ready(LAB, "tcg")
    assert capsys.readouterr().err.splitlines() == [
        "lb1.example.com: boots, no SSH yet",
        "lb2.example.com: boots, no SSH yet",
        f"lb1.example.com: serves; VRRP MASTER, holds {VIP}",
        "lb2.example.com: serves; VRRP BACKUP",
    ]


def test_the_limit_names_what_is_missing_and_shows_the_console(
    surveys: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    surveys(BOOTING)
    monkeypatch.setitem(lifecycle.LIMITS, "tcg", 0)
    console("Linux version 6.1\nKernel panic\n")
    with pytest.raises(TimedOut) as caught:
        lifecycle.wait_until_ready(LAB, "tcg")
    assert "lb1.example.com (boots, no SSH yet)" in caught.value.message
    assert "    Kernel panic" in caught.value.message
    assert str(vm.console(LAB.cluster, LAB.cluster.nodes[0])) in caught.value.message
    assert "lab down" in caught.value.hint


def test_a_refused_identity_ends_the_wait(surveys: Callable[..., None]) -> None:
    surveys(BOOTING)
    console("login:\r\n\x1b[0mvipforge: this node has no valid identity: PEERS is empty. HAProxy stays down.\r\n")
    with pytest.raises(UserError, match=r"lb1\.example\.com: this node has no valid identity: PEERS is empty"):
        lifecycle.wait_until_ready(LAB, "tcg")


def test_a_machine_that_has_ended_ends_the_wait(surveys: Callable[..., None]) -> None:
    surveys(pair(node(1, vm="off", ssh=False), BACKUP))
    console("Kernel panic\n")
    with pytest.raises(UserError, match=r"its machine has ended \(off\)"):
        lifecycle.wait_until_ready(LAB, "tcg")


def test_a_lab_taken_down_meanwhile_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "find", lambda _: None)
    with pytest.raises(UserError, match="was taken down while it booted"):
        lifecycle.wait_until_ready(LAB, "tcg")
