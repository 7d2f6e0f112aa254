"""Options of services with real traffic: HAProxy, servers and a client in namespaces, one port per option."""

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
"""The port of each service, and of its servers."""
ASK = """
import http.client, json, sys
answers = []
for port, headers in json.loads(sys.argv[2]):
    connection = http.client.HTTPConnection(sys.argv[1], port, timeout=10)
    connection.request("GET", "/", headers=headers)
    answer = connection.getresponse()
    answers.append([answer.status, dict(answer.getheaders()), answer.read().decode()])
print(json.dumps(answers))
"""
SAY = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 10) as connection:
    connection.sendall(sys.argv[3].encode())
    lines = connection.makefile()
    print(lines.readline() + lines.readline())
"""


def service(name: str, options: dict[str, Any]) -> dict[str, Any]:
    keys = {key: value for key, value in options.items() if key not in {"weights", "backup"}}
    first, second = options.get("weights", (1, 1))
    servers = [
        {"name": "web1", "address": "192.168.56.21", "port": PORTS[name], "weight": first},
        {"name": "web2", "address": "192.168.56.22", "port": PORTS[name], "weight": second},
    ]
    servers[1]["backup"] = options.get("backup", False)
    return {
        "name": name,
        "port": PORTS[name],
        "servers": servers,
        "check": {} if "mode" not in options else None,
        **keys,
    }


@pytest.fixture(scope="module")
def served(keepalived_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NamespacedPair]:
    cluster = quickstart(services=[service(*each) for each in OPTIONS.items()])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIPFORGE_STATE", str(tmp_path_factory.mktemp("state")))
        with netns.pair(cluster, FACTS, FACTS.default_keepalived, keepalived_build) as pair:
            pair.serve()
            until(lambda: pair.holders(VIP), f"a node to hold {VIP}", limit=20)
            yield pair


@pytest.fixture
def running(served: NamespacedPair) -> NamespacedPair:
    """The pair with healthy servers."""
    set_failing(served)
    until(lambda: set(servers(served, "plain", 4)) == {"web1", "web2"}, "both servers", limit=NOTICED_SECONDS)
    return served


def set_failing(pair: NamespacedPair, *names: str) -> None:
    stubs.set_failing(pair.folder, *names)


def client(pair: NamespacedPair, code: str, *words: str) -> str:
    argv = [*pair.client(), sys.executable, "-c", code, VIP, *words]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout


def ask(pair: NamespacedPair, name: str, times: int = 1, **headers: str) -> list[tuple[int, dict[str, str], str]]:
    """Send requests, each over a new connection, and return the answers; HAProxy writes header names in lower case."""
    requests = [(PORTS[name], headers)] * times
    return [(status, fields, body) for status, fields, body in json.loads(client(pair, ASK, json.dumps(requests)))]


def servers(pair: NamespacedPair, name: str, times: int, **headers: str) -> Counter[str]:
    return Counter(fields["x-server"] for _, fields, _ in ask(pair, name, times, **headers))


def own_address(pair: NamespacedPair) -> str:
    """Return the client's address, as the kernel chooses it towards the VIP."""
    route = subprocess.run(
        [*pair.client(), "ip", "-j", "route", "get", VIP], capture_output=True, text=True, check=True
    )
    address: str = json.loads(route.stdout)[0]["prefsrc"]
    return address


def test_servers_get_the_clients_address(running: NamespacedPair) -> None:
    assert ask(running, "plain")[0][1]["x-client"] == own_address(running)


def test_a_cookie_keeps_a_client_at_its_server_while_that_is_healthy(running: NamespacedPair) -> None:
    _, fields, _ = ask(running, "cookie")[0]
    cookie, *attributes = fields["set-cookie"].split("; ")
    assert (cookie, "HttpOnly" in attributes) == (f"STAY={fields['x-server']}", True)
    assert servers(running, "cookie", 6, Cookie=cookie) == {fields["x-server"]: 6}
    set_failing(running, f"{fields['x-server']}:{PORTS['cookie']}")
    another = ({"web1", "web2"} - {fields["x-server"]}).pop()
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


def test_a_backup_server_gets_requests_only_when_no_other_is_healthy(running: NamespacedPair) -> None:
    assert servers(running, "backup", 6) == {"web1": 6}
    set_failing(running, f"web1:{PORTS['backup']}")
    until(lambda: ask(running, "backup")[0][0] == 200, "the backup server", limit=NOTICED_SECONDS)
    assert servers(running, "backup", 6) == {"web2": 6}


def test_a_check_requires_its_status_and_its_text(running: NamespacedPair) -> None:
    until(lambda: set(servers(running, "checked", 4)) == {"web1", "web2"}, "both to be healthy", limit=NOTICED_SECONDS)
    set_failing(running, f"web2:{PORTS['checked']}/up")
    until(lambda: set(servers(running, "checked", 4)) == {"web1"}, "web2 to be left", limit=NOTICED_SECONDS)


def test_without_a_healthy_server_the_maintenance_page_is_shown(running: NamespacedPair) -> None:
    set_failing(running, *(f"{name}:{PORTS['kept']}" for name in ("web1", "web2")))
    until(lambda: "Back at six." in ask(running, "kept")[0][2], "the page", limit=NOTICED_SECONDS)
    assert ask(running, "kept")[0][0] == 503


def test_the_proxy_protocol_gives_servers_the_clients_address(running: NamespacedPair) -> None:
    """After their greeting, the servers echo what they receive."""
    greeting, line, *_ = client(running, SAY, str(PORTS["sent"]), "hello\n").splitlines()
    assert greeting in {"web1", "web2"}
    assert line.split()[:4] == ["PROXY", "TCP4", own_address(running), VIP]


def test_the_proxy_protocol_of_a_proxy_before_the_vip_is_trusted(running: NamespacedPair) -> None:
    before = f"PROXY TCP4 {ANOTHER} {VIP} 4711 {PORTS['proxied']}\r\n"
    _, line, *_ = client(running, SAY, str(PORTS["proxied"]), f"{before}hello\n").splitlines()
    assert line.split()[:3] == ["PROXY", "TCP4", ANOTHER]
