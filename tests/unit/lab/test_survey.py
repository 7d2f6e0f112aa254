"""What a survey makes of the nodes' answers, and how it is shown."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from builder.core.errors import TimedOut
from builder.core.run import Completed, run
from builder.lab import status
from builder.lab.state import Lab, NamespaceKeeper
from builder.nodes.status import NodeState
from tests.specs import quickstart
from tests.unit.lab.pair import BACKUP, HEALTHY, MASTER, VIP, node, pair

TOLD = f"""\
cloud-init=done
vipforge-identity=active
haproxy=active
keepalived=active
addresses=127.0.0.1 192.168.56.11 {VIP}
vrrp=VI_1:MASTER
"""


def parse(text: str) -> NodeState:
    return status.parse_status("lb1.example.com", "running", text, [VIP])


def test_a_master_is_read_from_its_answers() -> None:
    assert parse(TOLD) == replace(MASTER, instances={"VI_1": "MASTER"})


@pytest.mark.parametrize(
    ("told", "vrrp", "words"),
    [
        ("web:MASTER shop:BACKUP", "MASTER", "shop BACKUP, web MASTER"),
        ("web:MASTER shop:FAULT", "FAULT", "shop FAULT, web MASTER"),
        ("web:BACKUP shop:BACKUP", "BACKUP", "shop BACKUP, web BACKUP"),
        ("VI_1:BACKUP", "BACKUP", "BACKUP"),
        ("", "", ""),
    ],
)
def test_of_several_instances_each_state_is_told(told: str, vrrp: str, words: str) -> None:
    state = parse(TOLD.replace("VI_1:MASTER", told))
    assert (state.vrrp, state.vrrp_words) == (vrrp, words)


@pytest.mark.real_subprocess
def test_the_node_tells_the_last_state_of_each_instance_from_either_keepalived(tmp_path: Path) -> None:
    newest_first = (
        "(shop) Entering BACKUP STATE (init)\nVRRP_Instance(web) Entering MASTER STATE\n"
        "(web) setting VIPs.\n(web) Entering FAULT STATE\n"
    )
    question = status.QUESTIONS[status.QUESTIONS.index('echo "vrrp=') :].replace('"$instances"', "2")
    programs = tmp_path / "sudo"
    programs.write_text(f"#!/bin/sh\nprintf '%s' '{newest_first}'\n")
    programs.chmod(0o755)
    asked = run(["sh", "-s"], stdin=question, timeout=10, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert asked.out == "vrrp=shop:BACKUP web:MASTER \n"


def test_a_backup_holds_no_vip() -> None:
    state = parse(TOLD.replace(f" {VIP}", "").replace("MASTER", "BACKUP"))
    assert (state.vrrp, state.vips) == ("BACKUP", ())


def test_an_address_that_only_begins_like_a_vip_is_none() -> None:
    assert parse(TOLD.replace(VIP, f"{VIP}0")).vips == ()


def test_a_stopped_keepalived_has_no_state_though_its_log_has_one() -> None:
    assert parse(TOLD.replace("keepalived=active", "keepalived=inactive")).vrrp == ""


@pytest.mark.parametrize("text", ["", "cloud-init=done\n"])
def test_an_answer_that_breaks_off_counts_as_none(text: str) -> None:
    assert parse(text) == NodeState("lb1.example.com", "running", ssh=False, trouble="the node's answer is not whole")


@pytest.mark.parametrize(
    ("failure", "trouble"),
    [
        (
            Completed((), 255, "", "x\nop@192.168.56.11: Permission denied (publickey).\n"),
            "op@192.168.56.11: Permission",
        ),
        (Completed((), 255, "", ""), "ssh ended without a word"),
        (TimedOut("ssh was still running after 30 s"), "no answer within 30 s"),
    ],
)
def test_why_ssh_did_not_get_through_is_kept(
    failure: Completed | TimedOut, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = quickstart()
    monkeypatch.setattr(status.vm, "state", lambda *_: "running")
    monkeypatch.setattr(status, "ask", Mock(side_effect=[failure]))
    asked = status.node_state(Lab(cluster, NamespaceKeeper(1, 1)), cluster.nodes[0])
    assert not asked.ssh
    assert asked.trouble.startswith(trouble)
    assert f"lb1.example.com: {trouble}" in status.status_text(pair(asked), as_json=False)


def test_a_machine_that_does_not_run_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = quickstart()
    monkeypatch.setattr(status.vm, "state", lambda *_: "paused")
    asked = status.node_state(Lab(cluster, NamespaceKeeper(1, 1)), cluster.nodes[0])
    assert asked == NodeState("lb1.example.com", "paused", ssh=False)


@pytest.mark.parametrize(("vips", "healthy"), [(((VIP,), ()), True), (((), ()), False), (((VIP,), (VIP,)), False)])
def test_exactly_one_holder_is_well(vips: tuple[tuple[str, ...], tuple[str, ...]], healthy: bool) -> None:
    assert pair(node(1, vips=vips[0]), node(2, vips=vips[1])).one_holder_each is healthy


def test_every_service_is_asked_on_every_vip_by_its_check() -> None:
    cluster = quickstart(vrrp={"vips": [VIP, "192.168.56.9"]})
    assert [(each["address"], each["port"], each["path"]) for each in status.service_targets(cluster)] == [
        (VIP, 80, "/health"),
        ("192.168.56.9", 80, "/health"),
    ]


def test_the_table_is_plain_where_no_terminal_is() -> None:
    assert status.status_text(HEALTHY, as_json=False) == (
        "node             machine  SSH  haproxy  keepalived  VRRP    VIPs\n"
        "lb1.example.com  running  yes  active   active      MASTER  192.168.56.10\n"
        "lb2.example.com  running  yes  active   active      BACKUP  -\n"
        "192.168.56.10 is held by lb1.example.com\n"
        "  port 80: HTTP 200 from web1"
    )


def test_two_holders_and_none_are_said() -> None:
    both = pair(MASTER, node(2, vips=(VIP,)))
    assert f"{VIP} is held by 2 nodes: lb1.example.com, lb2.example.com" in status.status_text(both, as_json=False)
    assert f"{VIP} is held by no node" in status.status_text(pair(BACKUP), as_json=False)


def test_json_has_everything() -> None:
    told = json.loads(status.status_text(HEALTHY, as_json=True))
    assert told["one_holder_each"] is True
    assert told["holders"] == {VIP: ["lb1.example.com"]}
    assert told["nodes"][0]["vrrp"] == "MASTER"
    assert told["answers"] == [{"address": VIP, "port": 80, "ok": True, "answer": "HTTP 200 from web1"}]


def test_what_passes_bytes_is_asked_as_its_check_asks() -> None:
    servers = [{"name": "ex1", "address": "192.168.56.21"}]
    asked = {"preset": "exchange2013", "hosts": ["mail.example.com"], "tls": "passthrough", "servers": servers}
    cluster = quickstart(services=[], presets=[asked]).expanded()
    spoken = {each["port"]: each["mode"] for each in status.service_targets(cluster)}
    assert spoken == {443: "https", 80: "http", 25: "tcp", 587: "tcp", 993: "tls", 995: "tls"}
