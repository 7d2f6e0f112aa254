"""The stub servers of a spec, and how each kind answers."""

from __future__ import annotations

import http.client
import imaplib
import poplib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from builder.lab.stubs import ALL_FAIL, Health, StubServer, servers, set_failing, set_healthy, stub_servers
from builder.lab.stubs.servers import HttpStub, Tcp
from builder.nodes import service_check
from builder.render.haproxy import startup_message
from builder.spec.service import CheckKind
from tests.specs import quickstart

HERE = "127.0.0.1"
NEVER = Path("/nonexistent")
MYSQL_LOGIN = bytes.fromhex("290000010082000000800001210000") + bytes(21) + b"haproxy\0\0"


@contextmanager
def listening(server: StubServer, folder: Path = NEVER) -> Iterator[int]:
    kind = HttpStub if server.kind == "http" else Tcp
    with kind((HERE, 0), servers.handler(server, Health(folder))) as listener:
        threading.Thread(target=listener.serve_forever, args=(0.01,)).start()
        yield listener.socket.getsockname()[1]
        listener.shutdown()


def service(**changes: Any) -> dict[str, Any]:
    servers = [{"name": "mail1", "address": "192.168.56.21", "port": 25}]
    return {"name": "smtp", "mode": "tcp", "port": 25, "servers": servers, **changes}


def test_the_stubs_of_the_quickstart() -> None:
    assert stub_servers(quickstart()) == (
        StubServer("192.168.56.25", 25, "smtp", "smtp"),
        StubServer("192.168.56.21", 8080, "http", "web1", {"/health": (200, "")}),
        StubServer("192.168.56.22", 8080, "http", "web2", {"/health": (200, "")}),
    )


def test_a_tcp_server_on_port_25_speaks_smtp() -> None:
    cluster = quickstart(services=[service()], alerts=None)
    assert stub_servers(cluster) == (StubServer("192.168.56.21", 25, "smtp", "mail1"),)


def test_two_services_can_share_a_servers_port() -> None:
    cluster = quickstart(services=[service(), service(name="again", port=26)], alerts=None)
    assert len(stub_servers(cluster)) == 1


def test_alerts_sent_through_a_vip_need_no_stub() -> None:
    cluster = quickstart(alerts={"smtp_server": "192.168.56.10"})
    assert {each.kind for each in stub_servers(cluster)} == {"http"}


@pytest.mark.parametrize(("path", "status"), [("/health", 204), ("/", 200), ("/any/other?x=1", 200)])
def test_http_answers_any_path_and_the_check_with_its_status(path: str, status: int) -> None:
    with listening(StubServer(HERE, 0, "http", "web1", {"/health": (204, "")})) as port:
        connection = http.client.HTTPConnection(HERE, port, timeout=5)
        connection.request("GET", path)
        response = connection.getresponse()
        assert (response.status, response.headers["X-Server"]) == (status, "web1")
        connection.close()


def test_a_login_holds_for_its_own_connection_only() -> None:
    with listening(StubServer(HERE, 0, "http", "web1")) as port:
        own, other = (http.client.HTTPConnection(HERE, port, timeout=5) for _ in range(2))
        logins = []
        for connection, headers in ((own, {"Authorization": "Negotiate ticket"}), (own, {}), (other, {})):
            connection.request("GET", "/", headers=headers)
            response = connection.getresponse()
            response.read()
            logins.append(response.headers["X-Login"])
        own.close()
        other.close()
    assert logins == ["Negotiate ticket", "Negotiate ticket", ""]


def test_http_keeps_connections_and_answers_head_and_options() -> None:
    with listening(StubServer(HERE, 0, "http", "web1")) as port:
        connection = http.client.HTTPConnection(HERE, port, timeout=5)
        for method, body in (("HEAD", b""), ("OPTIONS", b"web1\n"), ("GET", b"web1\n")):
            connection.request(method, "/")
            response = connection.getresponse()
            assert (response.status, response.read(), response.will_close) == (200, body, False)
        connection.close()


def test_tcp_greets_and_echoes() -> None:
    with listening(StubServer(HERE, 0, "tcp", "db1")) as port:
        with socket.create_connection((HERE, port), timeout=5) as connection, connection.makefile("rw") as stream:
            assert stream.readline() == "db1\n"
            stream.write("hello\n")
            stream.flush()
            assert stream.readline() == "hello\n"


def test_servers_fail_while_they_are_unhealthy(tmp_path: Path) -> None:
    set_healthy(tmp_path, healthy=False)
    for kind in ("http", "tcp"):
        with listening(StubServer(HERE, 0, kind, "web1"), tmp_path) as port:
            target = {"address": HERE, "port": port, "mode": kind, "path": "/", "host": None}
            assert not service_check.check_service(target)["ok"]
    set_healthy(tmp_path, healthy=True)
    assert not (tmp_path / ALL_FAIL).exists()


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("http", 200, (True, "HTTP 200 from web1")),
        ("http", 503, (False, "HTTP 503 from web1")),
        ("tcp", 200, (True, "web1")),
    ],
)
def test_the_client_distinguishes_an_answer_from_a_failure(kind: Any, status: int, expected: tuple[bool, str]) -> None:
    with listening(StubServer(HERE, 0, kind, "web1", {"/health": (status, "")})) as port:
        answer = service_check.check_service(
            {"address": HERE, "port": port, "mode": kind, "path": "/health", "host": None}
        )
    assert (answer["ok"], answer["answer"]) == expected


def test_a_refused_connection_is_an_answer_too() -> None:
    with socket.socket() as unused:
        unused.bind((HERE, 0))
        target = {"address": HERE, "port": unused.getsockname()[1], "mode": "tcp", "path": "/", "host": None}
        answer = service_check.check_service(target)
    assert not answer["ok"]
    assert "refused" in answer["answer"]


def test_imap_and_pop3_satisfy_client_libraries() -> None:
    with listening(StubServer(HERE, 0, "imap", "ex1")) as port, imaplib.IMAP4(HERE, port, timeout=5) as client:
        assert client.login("user", "password")[0] == "OK"
        assert client.welcome == b"* OK ex1 ready"
    with listening(StubServer(HERE, 0, "pop3", "ex1")) as port:
        mailbox = poplib.POP3(HERE, port, timeout=5)
        assert mailbox.getwelcome() == b"+OK ex1 ready"
        assert mailbox.quit() == b"+OK bye"


@pytest.mark.parametrize(
    ("kind", "question", "answer"),
    [
        ("mysql", MYSQL_LOGIN, b"\x07\0\0\x02\0\0\0\x02\0\0\0"),
        ("pgsql", bytes.fromhex(startup_message("haproxy")), b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"),
        ("ldap", bytes.fromhex("300c020105600702010304008000"), bytes.fromhex("300c02010561070a010004000400")),
        ("redis", b"PING\r\n", b"+PONG\r\n"),
        ("redis", b"info replication\r\n", b"$28\r\n# Replication\r\nrole:master\r\n\r\n"),
        ("redis", b"GET x\r\n", b"-ERR unknown command\r\n"),
    ],
)
def test_databases_answer_a_health_check(kind: CheckKind, question: bytes, answer: bytes) -> None:
    """A real HAProxy asks them in tests/integration/test_checks.py."""
    with listening(StubServer(HERE, 0, kind, "db1")) as port:
        with socket.create_connection((HERE, port), timeout=5) as connection:
            if kind == "mysql":
                assert b"5.7.0-db1\0" in connection.recv(200)
            connection.sendall(question)
            assert connection.recv(200) == answer


def test_a_port_that_is_only_checked_has_a_stub_of_its_own() -> None:
    check = {"path": "/primary", "port": 8008, "status": "200-299"}
    cluster = quickstart(services=[service(port=5000, check=check)], alerts=None)
    assert stub_servers(cluster) == (
        StubServer("192.168.56.21", 8008, "http", "mail1", {"/primary": (200, "")}),
        StubServer("192.168.56.21", 25, "smtp", "mail1"),
    )


def test_a_server_that_waits_for_its_client_is_an_answer() -> None:
    with listening(StubServer(HERE, 0, "redis", "db1")) as port, pytest.MonkeyPatch.context() as patch:
        patch.setattr(service_check, "SECONDS", 0.2)
        target = {"address": HERE, "port": port, "mode": "tcp", "path": "/", "host": None}
        assert service_check.check_service(target)["ok"]


@pytest.mark.parametrize(
    ("failing", "path", "fails"),
    [
        ("ex1:443/owa", "/OWA/healthcheck.htm", True),
        ("ex1:443/owa", "/owa", True),
        ("ex1:443/owa", "/owafoo", False),
        ("ex1:443", "/anything", True),
        ("ex2:443", "/owa", False),
    ],
)
def test_one_part_of_a_server_can_fail(tmp_path: Path, failing: str, path: str, fails: bool) -> None:
    server = StubServer(HERE, 443, "http", "ex1")
    assert not Health(tmp_path).failure(server, path)
    set_failing(tmp_path, failing)
    assert Health(tmp_path).failure(server, path) == ("fails" if fails else "")


def test_one_exchange_stub_answers_every_check_on_its_port() -> None:
    servers = [{"name": "ex1", "address": "192.168.56.21"}]
    preset = {"preset": "exchange2013", "hosts": ["mail.example.com"], "certificate": "mail", "servers": servers}
    plan = {
        each.port: each for each in stub_servers(quickstart(services=[], presets=[preset], alerts=None).expanded())
    }
    assert {port: each.kind for port, each in plan.items()} == {
        443: "http", 25: "smtp", 587: "smtp", 993: "imap", 995: "pop3"
    }  # fmt: skip
    assert plan[443].checks["/ews/healthcheck.htm"] == (200, "200 OK")
    assert {port for port, each in plan.items() if each.tls} == {443, 993, 995}


def test_the_certificate_is_new_and_its_key_is_private(tmp_path: Path) -> None:
    assert servers.tls_context(tmp_path).cert_store_stats()["x509"] == 0
    assert (tmp_path / servers.PEM).stat().st_mode & 0o777 == 0o600


def test_a_server_can_reset_the_connection(tmp_path: Path) -> None:
    with listening(StubServer(HERE, 0, "http", "web1"), tmp_path) as port:
        set_failing(tmp_path, "web1:0=resets")
        answer = service_check.check_service(
            {"address": HERE, "port": port, "mode": "http", "path": "/", "host": None}
        )
    assert not answer["ok"]
    assert not answer["answer"].startswith("HTTP")
