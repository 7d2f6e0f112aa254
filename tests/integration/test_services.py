"""Options of services with real traffic: real HAProxy, servers and a client in namespaces, a port for each option."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from builder.core.waiting import until
from builder.guests import all_guests
from builder.lab import netns, stubs
from builder.lab.netns import NamespacedPair
from tests.specs import quickstart

pytestmark = pytest.mark.integration

FACTS = all_guests()["debian12"]
VIP = "192.168.56.10"
ANOTHER = "203.0.113.9"
NOTICED_SECONDS = 15
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "cookie": {"affinity": {"by": "cookie", "cookie": "STAY"}},
    "source": {"affinity": {"by": "source"}},
    "weights": {"weights": (3, 1)},
    "backup": {"backup": True},
    "checked": {"check": {"path": "/up", "status": 202, "body": "all is well", "host": "www.example.com"}},
    "kept": {"maintenance": "Back at six."},
    "proxied": {"mode": "tcp", "proxy_protocol": {"accept": True, "send": "v1"}},
    "sent": {"mode": "tcp", "proxy_protocol": {"send": "v1"}},
}
PORTS = {name: 8000 + number for number, name in enumerate(OPTIONS)}
"""Of a service, and of its servers."""
ASK = """
import http.client, json, sys
found = []
for port, headers in json.loads(sys.argv[2]):
    way = http.client.HTTPConnection(sys.argv[1], port, timeout=10)
    way.request("GET", "/", headers=headers)
    answer = way.getresponse()
    found.append([answer.status, dict(answer.getheaders()), answer.read().decode()])
print(json.dumps(found))
"""
SAY = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 10) as way:
    way.sendall(sys.argv[3].encode())
    lines = way.makefile()
    print(lines.readline() + lines.readline())
"""


def service(name: str, asked: dict[str, Any]) -> dict[str, Any]:
    keys = {key: value for key, value in asked.items() if key not in {"weights", "backup"}}
    first, second = asked.get("weights", (1, 1))
    servers = [
        {"name": "web1", "address": "192.168.56.21", "port": PORTS[name], "weight": first},
        {"name": "web2", "address": "192.168.56.22", "port": PORTS[name], "weight": second},
    ]
    servers[1]["backup"] = asked.get("backup", False)
    return {
        "name": name,
        "port": PORTS[name],
        "servers": servers,
        "check": {} if "mode" not in asked else None,
        **keys,
    }


@pytest.fixture(scope="module")
def served(keepalived_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NamespacedPair]:
    cluster = quickstart(services=[service(*each) for each in OPTIONS.items()])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIPFORGE_STATE", str(tmp_path_factory.mktemp("state")))
        with netns.pair(cluster, FACTS, FACTS.default_keepalived, keepalived_build) as made:
            made.serve()
            until(lambda: made.holders(VIP), f"a node to hold {VIP}", limit=20)
            yield made


@pytest.fixture
def running(served: NamespacedPair) -> NamespacedPair:
    """The pair with a healthy farm."""
    set_down(served)
    until(lambda: set(servers(served, "plain", 4)) == {"web1", "web2"}, "both servers", limit=NOTICED_SECONDS)
    return served


def set_down(pair: NamespacedPair, *names: str) -> None:
    stubs.set_failing(pair.nodes[0].folder.parent, *names)


def client(pair: NamespacedPair, code: str, *words: str) -> str:
    argv = [*pair.client(), sys.executable, "-c", code, VIP, *words]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout


def ask(pair: NamespacedPair, name: str, times: int = 1, **headers: str) -> list[tuple[int, dict[str, str], str]]:
    """Answers to so many requests, each over a connection of its own; HAProxy writes headers' names small."""
    asked = [(PORTS[name], headers)] * times
    return [(status, told, body) for status, told, body in json.loads(client(pair, ASK, json.dumps(asked)))]


def servers(pair: NamespacedPair, name: str, times: int, **headers: str) -> Counter[str]:
    return Counter(told["x-server"] for _, told, _ in ask(pair, name, times, **headers))


def own_address(pair: NamespacedPair) -> str:
    """The client's, as the kernel chooses it towards the VIP."""
    told = subprocess.run(
        [*pair.client(), "ip", "-j", "route", "get", VIP], capture_output=True, text=True, check=True
    )
    found: str = json.loads(told.stdout)[0]["prefsrc"]
    return found


def test_servers_are_told_who_the_client_is(running: NamespacedPair) -> None:
    assert ask(running, "plain")[0][1]["x-client"] == own_address(running)


def test_a_cookie_keeps_a_client_at_its_server_while_that_is_well(running: NamespacedPair) -> None:
    _, told, _ = ask(running, "cookie")[0]
    cookie, *attributes = told["set-cookie"].split("; ")
    assert (cookie, "HttpOnly" in attributes) == (f"STAY={told['x-server']}", True)
    assert servers(running, "cookie", 6, Cookie=cookie) == {told["x-server"]: 6}
    set_down(running, f"{told['x-server']}:{PORTS['cookie']}")
    another = ({"web1", "web2"} - {told["x-server"]}).pop()
    until(
        lambda: [status for status, *_ in ask(running, "cookie", 3, Cookie=cookie)] == [200] * 3,
        "the other server to take over",
        limit=NOTICED_SECONDS,
    )
    assert servers(running, "cookie", 3, Cookie=cookie) == {another: 3}


def test_a_clients_address_keeps_it_at_its_server(running: NamespacedPair) -> None:
    assert len(servers(running, "source", 8)) == 1


def test_weights_are_shares(running: NamespacedPair) -> None:
    assert servers(running, "weights", 8) == {"web1": 6, "web2": 2}


def test_a_backup_server_gets_requests_only_when_no_other_is_well(running: NamespacedPair) -> None:
    assert servers(running, "backup", 6) == {"web1": 6}
    set_down(running, f"web1:{PORTS['backup']}")
    until(lambda: ask(running, "backup")[0][0] == 200, "the backup server", limit=NOTICED_SECONDS)
    assert servers(running, "backup", 6) == {"web2": 6}


def test_a_check_wants_its_status_and_its_text(running: NamespacedPair) -> None:
    until(lambda: set(servers(running, "checked", 4)) == {"web1", "web2"}, "both to be well", limit=NOTICED_SECONDS)
    set_down(running, f"web2:{PORTS['checked']}/up")
    until(lambda: set(servers(running, "checked", 4)) == {"web1"}, "web2 to be left", limit=NOTICED_SECONDS)


def test_with_no_server_well_the_page_of_maintenance_is_shown(running: NamespacedPair) -> None:
    set_down(running, *(f"{name}:{PORTS['kept']}" for name in ("web1", "web2")))
    until(lambda: "Back at six." in ask(running, "kept")[0][2], "the page", limit=NOTICED_SECONDS)
    assert ask(running, "kept")[0][0] == 503


def test_the_proxy_protocol_tells_servers_who_the_client_is(running: NamespacedPair) -> None:
    """The servers say back what they are sent, after a greeting."""
    greeting, line, *_ = client(running, SAY, str(PORTS["sent"]), "hello\n").splitlines()
    assert greeting in {"web1", "web2"}
    assert line.split()[:4] == ["PROXY", "TCP4", own_address(running), VIP]


def test_the_proxy_protocol_of_something_before_the_vip_is_believed(running: NamespacedPair) -> None:
    before = f"PROXY TCP4 {ANOTHER} {VIP} 4711 {PORTS['proxied']}\r\n"
    _, line, *_ = client(running, SAY, str(PORTS["proxied"]), f"{before}hello\n").splitlines()
    assert line.split()[:3] == ["PROXY", "TCP4", ANOTHER]
