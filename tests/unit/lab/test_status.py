"""The lab's status: how the nodes' answers are read, and how the result is shown."""

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

ANSWERS = f"""\
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
    assert parse(ANSWERS) == replace(MASTER, instances={"VI_1": "MASTER"})


@pytest.mark.parametrize(
    ("answer", "vrrp", "words"),
    [
        ("web:MASTER shop:BACKUP", "MASTER", "shop BACKUP, web MASTER"),
        ("web:MASTER shop:FAULT", "FAULT", "shop FAULT, web MASTER"),
        ("web:BACKUP shop:BACKUP", "BACKUP", "shop BACKUP, web BACKUP"),
        ("VI_1:BACKUP", "BACKUP", "BACKUP"),
        ("", "", ""),
    ],
)
def test_each_of_several_instances_has_its_state(answer: str, vrrp: str, words: str) -> None:
    state = parse(ANSWERS.replace("VI_1:MASTER", answer))
    assert (state.vrrp, state.vrrp_words) == (vrrp, words)


@pytest.mark.real_subprocess
def test_the_last_state_of_each_instance_is_found_in_either_keepaliveds_log(tmp_path: Path) -> None:
    newest_first = (
        "(shop) Entering BACKUP STATE (init)\nVRRP_Instance(web) Entering MASTER STATE\n"
        "(web) setting VIPs.\n(web) Entering FAULT STATE\n"
    )
    question = status.QUESTIONS[status.QUESTIONS.index('echo "vrrp=') :].replace('"$instances"', "2")
    programs = tmp_path / "sudo"
    programs.write_text(f"#!/bin/sh\nprintf '%s' '{newest_first}'\n")
    programs.chmod(0o755)
    done = run(["sh", "-s"], stdin=question, timeout=10, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert done.out == "vrrp=shop:BACKUP web:MASTER \n"


def test_a_backup_holds_no_vip() -> None:
    state = parse(ANSWERS.replace(f" {VIP}", "").replace("MASTER", "BACKUP"))
    assert (state.vrrp, state.vips) == ("BACKUP", ())


def test_an_address_that_only_begins_like_a_vip_does_not_count() -> None:
    assert parse(ANSWERS.replace(VIP, f"{VIP}0")).vips == ()


def test_a_stopped_keepalived_has_no_state_even_if_its_log_has_one() -> None:
    assert parse(ANSWERS.replace("keepalived=active", "keepalived=inactive")).vrrp == ""


@pytest.mark.parametrize("text", ["", "cloud-init=done\n"])
def test_an_incomplete_answer_counts_as_none(text: str) -> None:
    assert parse(text) == NodeState("lb1.example.com", "running", ssh=False, trouble="the node's answer is incomplete")


@pytest.mark.parametrize(
    ("failure", "trouble"),
    [
        (
            Completed((), 255, "", "x\nop@192.168.56.11: Permission denied (publickey).\n"),
            "op@192.168.56.11: Permission",
        ),
        (Completed((), 255, "", ""), "ssh failed without an error message"),
        (TimedOut("ssh was still running after 30 s"), "no answer within 30 s"),
    ],
)
def test_the_reason_of_an_ssh_failure_is_kept(
    failure: Completed | TimedOut, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = quickstart()
    monkeypatch.setattr(status.vm, "state", lambda *_: "running")
    monkeypatch.setattr(status, "ask", Mock(side_effect=[failure]))
    state = status.node_state(Lab(cluster, NamespaceKeeper(1, 1)), cluster.nodes[0])
    assert not state.ssh
    assert state.trouble.startswith(trouble)
    assert f"lb1.example.com: {trouble}" in status.status_text(pair(state), as_json=False)


def test_a_machine_that_does_not_run_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = quickstart()
    monkeypatch.setattr(status.vm, "state", lambda *_: "paused")
    state = status.node_state(Lab(cluster, NamespaceKeeper(1, 1)), cluster.nodes[0])
    assert state == NodeState("lb1.example.com", "paused", ssh=False)


@pytest.mark.parametrize(("vips", "healthy"), [(((VIP,), ()), True), (((), ()), False), (((VIP,), (VIP,)), False)])
def test_exactly_one_holder_is_healthy(vips: tuple[tuple[str, ...], tuple[str, ...]], healthy: bool) -> None:
    assert pair(node(1, vips=vips[0]), node(2, vips=vips[1])).one_holder_each is healthy


def test_every_service_is_asked_on_every_vip_for_its_checks_path() -> None:
    cluster = quickstart(vrrp={"vips": [VIP, "192.168.56.9"]})
    assert [(each["address"], each["port"], each["path"]) for each in status.service_targets(cluster)] == [
        (VIP, 80, "/health"),
        ("192.168.56.9", 80, "/health"),
    ]


def test_the_table_is_plain_without_a_terminal() -> None:
    assert status.status_text(HEALTHY, as_json=False) == (
        "node             machine  SSH  haproxy  keepalived  VRRP    VIPs\n"
        "lb1.example.com  running  yes  active   active      MASTER  192.168.56.10\n"
        "lb2.example.com  running  yes  active   active      BACKUP  -\n"
        "192.168.56.10 is held by lb1.example.com\n"
        "  port 80: HTTP 200 from web1"
    )


def test_two_holders_and_no_holder_are_reported() -> None:
    both = pair(MASTER, node(2, vips=(VIP,)))
    assert f"{VIP} is held by 2 nodes: lb1.example.com, lb2.example.com" in status.status_text(both, as_json=False)
    assert f"{VIP} is held by no node" in status.status_text(pair(BACKUP), as_json=False)


def test_json_contains_everything() -> None:
    data = json.loads(status.status_text(HEALTHY, as_json=True))
    assert data["one_holder_each"] is True
    assert data["holders"] == {VIP: ["lb1.example.com"]}
    assert data["nodes"][0]["vrrp"] == "MASTER"
    assert data["answers"] == [{"address": VIP, "port": 80, "ok": True, "answer": "HTTP 200 from web1"}]


def test_a_service_that_passes_bytes_is_asked_as_its_check_does() -> None:
    servers = [{"name": "ex1", "address": "192.168.56.21"}]
    preset = {"preset": "exchange2013", "hosts": ["mail.example.com"], "tls": "passthrough", "servers": servers}
    cluster = quickstart(services=[], presets=[preset]).expanded()
    modes = {each["port"]: each["mode"] for each in status.service_targets(cluster)}
    assert modes == {443: "https", 80: "http", 25: "tcp", 587: "tcp", 993: "tls", 995: "tls"}
