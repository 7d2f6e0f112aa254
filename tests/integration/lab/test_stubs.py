"""The stub servers in the lab's network, as the nodes and the client see them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from builder.core.errors import UserError
from builder.core.run import run
from builder.lab import ssh, stubs
from builder.lab.state import Lab
from builder.lab.stubs import smtp_server
from tests.integration.lab.conftest import MakeLab, soon

pytestmark = pytest.mark.integration

FETCH = """
import sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=5) as answer:
    print(answer.status, answer.headers["X-Server"], answer.read().decode().strip())
"""
SEND = """
import smtplib
with smtplib.SMTP("192.168.56.25", timeout=5, local_hostname="lb1.example.com") as server:
    server.sendmail("lb1@example.com", ["ops@example.com"], "Subject: VRRP\\n\\nMASTER")
"""


def in_client(lab: Lab, code: str, *words: str) -> str:
    return run([*ssh.client(lab.cluster), sys.executable, "-c", code, *words], timeout=20).out.strip()


def test_the_client_reaches_every_server(make_lab: MakeLab) -> None:
    lab = make_lab()
    assert in_client(lab, FETCH, "http://192.168.56.21:8080/health") == "200 web1 web1"
    assert in_client(lab, FETCH, "http://192.168.56.22:8080/anything") == "200 web2 web2"


def test_mail_is_stored_with_its_greeting_and_envelope(make_lab: MakeLab) -> None:
    lab = make_lab()
    assert smtp_server.mails(lab.cluster) == ()
    in_client(lab, SEND)
    (mail,) = smtp_server.mails(lab.cluster)
    assert (mail.helo, mail.sender, mail.recipients) == ("lb1.example.com", "lb1@example.com", ("ops@example.com",))
    assert mail.content == "Subject: VRRP\r\n\r\nMASTER\r\n"


def test_the_bridge_passes_multicast_and_has_a_port_for_each_node(make_lab: MakeLab) -> None:
    lab = make_lab()
    details = run([*lab.keeper.client(), "ip", "-details", "link", "show", "br0"], timeout=5).out
    assert "mcast_snooping 0" in details
    ports = run([*lab.keeper.client(), "ip", "-brief", "link", "show", "master", "br0"], timeout=5).out
    assert [line.split()[0] for line in ports.splitlines()] == ["tap0", "tap1"]


def test_two_labs_with_the_same_addresses_are_isolated(make_lab: MakeLab) -> None:
    servers: list[dict[str, Any]] = [{"name": "other", "address": "192.168.56.21", "port": 8080}]
    one = make_lab()
    other = make_lab(cluster="other", services=[{"name": "web", "port": 80, "servers": servers}])
    assert in_client(one, FETCH, "http://192.168.56.21:8080/") == "200 web1 web1"
    assert in_client(other, FETCH, "http://192.168.56.21:8080/") == "200 other other"


def test_the_host_does_not_see_a_labs_network(make_lab: MakeLab) -> None:
    before = set(Path("/sys/class/net").iterdir())
    make_lab()
    assert set(Path("/sys/class/net").iterdir()) == before


def test_killing_the_keeper_ends_the_stubs(make_lab: MakeLab) -> None:
    lab = make_lab()
    os.kill(lab.keeper.pid, 9)
    assert soon(lambda: not lab.keeper.alive())
    with pytest.raises(UserError, match="no lab of quickstart is running"):
        ssh.client(lab.cluster)


def test_stubs_that_cannot_listen_say_why(make_lab: MakeLab) -> None:
    lab = make_lab(alerts=None)
    (lab.folder / stubs.READY).unlink()
    with pytest.raises(UserError, match=r"the stub servers .*:\n.* cannot listen on 192\.168\.56\.21:8080"):
        stubs.begin(lab)
