"""The farm in its network, as the nodes and the client find it."""

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


def in_client(started: Lab, code: str, *words: str) -> str:
    return run([*ssh.client(started.cluster), sys.executable, "-c", code, *words], timeout=20).out.strip()


def test_the_client_reaches_every_server(make_farm: MakeLab) -> None:
    started = make_farm()
    assert in_client(started, FETCH, "http://192.168.56.21:8080/health") == "200 web1 web1"
    assert in_client(started, FETCH, "http://192.168.56.22:8080/anything") == "200 web2 web2"


def test_mail_is_kept_with_its_greeting_and_envelope(make_farm: MakeLab) -> None:
    started = make_farm()
    assert smtp_server.mails(started.cluster) == ()
    in_client(started, SEND)
    (mail,) = smtp_server.mails(started.cluster)
    assert (mail.helo, mail.sender, mail.recipients) == ("lb1.example.com", "lb1@example.com", ("ops@example.com",))
    assert mail.content == "Subject: VRRP\r\n\r\nMASTER\r\n"


def test_the_bridge_passes_multicast_and_has_a_port_for_each_node(make_farm: MakeLab) -> None:
    started = make_farm()
    told = run([*started.keeper.client(), "ip", "-details", "link", "show", "br0"], timeout=5).out
    assert "mcast_snooping 0" in told
    ports = run([*started.keeper.client(), "ip", "-brief", "link", "show", "master", "br0"], timeout=5).out
    assert [line.split()[0] for line in ports.splitlines()] == ["tap0", "tap1"]


def test_two_labs_with_the_same_addresses_never_meet(make_farm: MakeLab) -> None:
    servers: list[dict[str, Any]] = [{"name": "other", "address": "192.168.56.21", "port": 8080}]
    one = make_farm()
    other = make_farm(cluster="other", services=[{"name": "web", "port": 80, "servers": servers}])
    assert in_client(one, FETCH, "http://192.168.56.21:8080/") == "200 web1 web1"
    assert in_client(other, FETCH, "http://192.168.56.21:8080/") == "200 other other"


def test_the_host_sees_nothing_of_a_labs_network(make_farm: MakeLab) -> None:
    before = set(Path("/sys/class/net").iterdir())
    make_farm()
    assert set(Path("/sys/class/net").iterdir()) == before


def test_killing_the_holder_ends_the_farm(make_farm: MakeLab) -> None:
    started = make_farm()
    os.kill(started.keeper.pid, 9)
    assert soon(lambda: not started.keeper.alive())
    with pytest.raises(UserError, match="no lab of quickstart runs"):
        ssh.client(started.cluster)


def test_a_farm_that_cannot_listen_says_why(make_farm: MakeLab) -> None:
    started = make_farm(alerts=None)
    (started.folder / stubs.READY).unlink()
    with pytest.raises(UserError, match=r"the farm exited during startup:\n.* cannot listen on 192\.168\.56\.21:8080"):
        stubs.begin(started)
