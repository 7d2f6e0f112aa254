"""What each scenario does to a pair, recorded by a fake pair."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from builder.faults.pairs import Pair
from builder.faults.report import summary
from builder.faults.scenarios import Effect, Scenario, all_scenarios, daemons
from builder.spec.vrrp import PROFILES
from tests.specs import quickstart

ISSUE = {
    "haproxy-stopped", "haproxy-killed", "haproxy-hung", "haproxy-flaps", "haproxy-all-down", "keepalived-stopped",
    "keepalived-killed", "node-off", "node-paused", "link-cut", "vrrp-blocked", "vrrp-blocked-one-way", "hand-over",
    "master-reset", "backup-reset", "servers-down", "mail-hangs", "mail-refuses", "mail-down",
}  # fmt: skip


class Diary(Pair):
    """Records the requested actions."""

    how = "netns"
    has_machines = True
    client = state = live_logs = history = versions = lambda *_: None  # type: ignore[assignment]

    def __init__(self, profile: str = "standard") -> None:
        super().__init__(quickstart(vrrp={"profile": profile}), Path("/nonexistent"))
        self.done: list[str] = []

    def shell(self, node: str, script: str) -> str:
        self._write("shell", node, script)
        return ""

    def machine(self, node: str) -> Any:
        buttons = ("cut_power", "power_on", "pause", "resume", "reset")
        return SimpleNamespace(**{name: lambda name=name: self._write(name, node) for name in buttons})

    def bridge(self, *words: str) -> None:
        self._write("bridge", *words)

    def set_servers(self, *, healthy: bool) -> None:
        self._write("servers", str(healthy))

    def set_mail_fault(self, fault: str | None) -> None:
        self._write("mail", str(fault))

    def _write(self, *words: str) -> None:
        self.done.append(" ".join(word.split(".")[0] for word in words))


def _writes(name: str) -> Any:
    return lambda self, *words: self._write(name, *words)


for action in ("start", "stop", "signal", "unplug", "plug"):
    setattr(Diary, action, _writes(action))
Diary.__abstractmethods__ = frozenset()  # type: ignore[attr-defined]


def done(name: str, profile: str = "standard") -> tuple[list[str], list[str]]:
    """The actions of a scenario's fault and of its recovery."""
    pair = Diary(profile)
    all_scenarios()[name].inject(pair)
    fault, pair.done = pair.done, []
    all_scenarios()[name].recover(pair)
    return fault, pair.done


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemons.time, "sleep", lambda _: None)


def test_all_required_scenarios_exist() -> None:
    assert all_scenarios().keys() >= ISSUE


@pytest.mark.parametrize("scenario", all_scenarios().values(), ids=all_scenarios())
def test_each_scenario_has_a_title_and_says_what_it_covers(scenario: Scenario) -> None:
    assert scenario.title
    assert scenario.covers.endswith(".")
    assert all(scenario.effect_in(profile, restarted=True) in Effect for profile in PROFILES.values())


def test_in_the_classic_profile_a_daemon_that_systemd_restarts_need_not_move_the_vips() -> None:
    """The profile's script checks every 2 s, and by then systemd has restarted HAProxy."""

    def promised(profile: str, *, restarted: bool) -> set[str]:
        served = (
            name
            for name, each in all_scenarios().items()
            if each.effect_in(PROFILES[profile], restarted=restarted) is Effect.SERVED
        )
        return set(served)

    killed = {"haproxy-killed", "haproxy-flaps", "keepalived-killed", "mail-hangs", "mail-refuses", "mail-down"}
    assert promised("classic", restarted=True) == killed
    assert promised("classic", restarted=False) == set()
    assert promised("standard", restarted=True) == promised("fast", restarted=True) == set()


def test_scenarios_that_require_machines_are_not_covered_without_them() -> None:
    pair = Diary()
    pair.has_machines = False
    missing = {name for name, scenario in all_scenarios().items() if scenario.why_not(pair)}
    assert missing == {"node-off", "node-paused", "master-reset", "backup-reset"}


def test_scenarios_about_alerts_are_not_covered_if_the_spec_has_none() -> None:
    pair = Diary()
    pair.cluster = quickstart(alerts=None)
    missing = {name: scenario.why_not(pair) for name, scenario in all_scenarios().items() if scenario.why_not(pair)}
    assert missing == dict.fromkeys(("mail-hangs", "mail-refuses", "mail-down"), "the spec has no alerts")


@pytest.mark.parametrize(
    ("name", "fault", "recovery"),
    [
        ("haproxy-killed", ["signal lb1 haproxy KILL"], ["start lb1 haproxy", "start lb2 haproxy"]),
        ("haproxy-hung", ["signal lb1 haproxy STOP"], ["signal lb1 haproxy CONT"]),
        ("keepalived-killed", ["signal lb1 keepalived KILL"], ["start lb1 keepalived", "start lb2 keepalived"]),
        ("backup-stopped", ["stop lb2 keepalived"], ["start lb1 keepalived", "start lb2 keepalived"]),
        ("link-cut", ["unplug lb1"], ["plug lb1"]),
        ("node-off", ["cut_power lb1"], ["power_on lb1"]),
        ("node-paused", ["pause lb1"], ["resume lb1"]),
        (
            "mail-hangs",
            ["mail hangs", "signal lb1 haproxy KILL"],
            ["mail None", "start lb1 haproxy", "start lb2 haproxy"],
        ),
        ("servers-down", ["servers False"], ["servers True"]),
    ],
)
def test_a_fault_and_its_recovery(name: str, fault: list[str], recovery: list[str]) -> None:
    assert done(name) == (fault, recovery)


def test_a_flapping_haproxy_is_down_at_the_end() -> None:
    fault, _ = done("haproxy-flaps")
    assert fault == ["signal lb1 haproxy KILL", "start lb1 haproxy"] * 3 + ["signal lb1 haproxy KILL"]


def test_blocking_vrrp_separates_the_nodes_but_not_the_clients() -> None:
    fault, recovery = done("vrrp-blocked")
    assert fault == [f"bridge link set dev tap{number} isolated on" for number in range(2)]
    assert recovery == [f"bridge link set dev tap{number} isolated off" for number in range(2)]


def test_blocking_one_way_affects_multicast_and_unicast() -> None:
    fault, recovery = done("vrrp-blocked-one-way")
    assert fault[0] == "bridge link set dev tap1 mcast_flood off"
    assert fault[1].startswith("shell lb1 ip neighbour replace 192")
    assert recovery[0] == "bridge link set dev tap1 mcast_flood on"
    assert recovery[1].startswith("shell lb1 ip neighbour delete 192")


def test_a_hand_over_uses_the_operators_command() -> None:
    fault, recovery = done("hand-over")
    assert (fault, recovery) == (
        ["shell lb1 /usr/libexec/vipforge/hand-over away"],
        ["shell lb1 /usr/libexec/vipforge/hand-over back"],
    )
    assert done("hand-over", "classic") == (["stop lb1 keepalived"], ["start lb1 keepalived"])


def test_the_list_names_every_scenario() -> None:
    names = [line.split()[0] for line in summary.scenario_table().splitlines()[1:]]
    assert names == list(all_scenarios())
