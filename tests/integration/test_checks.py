"""Health checks of every kind against real daemons and protocol-true servers: the healthy ones are UP, others DOWN."""

from __future__ import annotations

import csv
import http.client
import io
import re
import socket
import socketserver
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from builder.core.waiting import TimedOut, until
from builder.guests import all_guests
from builder.lab.stubs import Health, StubServer, set_failing
from builder.lab.stubs.servers import PEM, Tcp, handler, tls_context
from builder.render import appliance
from builder.spec.service import CheckKind
from tests.integration.check_servers import HttpServer, LineServer, daemons, free_port, listens, only_for, start
from tests.specs import quickstart

pytestmark = pytest.mark.integration

FACTS = all_guests()["debian12"]
PROGRAM, RELEASE = "/usr/sbin/haproxy", "2.6"
HOST, ANOTHER = "sts.example.com", "www.example.com"
NOTICED_SECONDS = 15
SILENT_SECONDS = 1.5
ADDRESSES = {"192.168.56.10": "127.0.0.1", "192.168.56.21": "127.0.0.1", "192.168.56.22": "127.0.0.2"}
"""Addresses of the spec, and what the test uses instead."""
HEADER = '50% "a" %[src] \\'
SMTP = {
    b"EHLO localhost": [b"250-mx1\r\n", b"250-SIZE\r\n250 HELP\r\n"],
    b"QUIT": [b"221-good\r\n", b"221 bye\r\n"],
}
IMAP = {b"a LOGOUT": [b"* BYE\r\n", b"a OK done\r\n"]}
POP3 = {b"QUIT": [b"+OK bye\r\n"]}
LINES = {
    "smtp": LineServer([b"220 mx1 ESMTP\r\n"], SMTP),
    "smtp-lines": LineServer([b"220-mx1\r\n", b"220-mx1 says 554 \r\n", b"220 mx1\r\n"], SMTP),
    "smtp-refuses": LineServer([b"554 no\r\n"], SMTP),
    "smtp-lines-refuses": LineServer([b"554-no\r\n", b"554 220 \r\n"], SMTP),
    "smtp-closes": LineServer([b"220 mx1\r\n"], {**SMTP, b"EHLO localhost": [b"421 closing\r\n"]}),
    "smtp-hangs": LineServer([b"220-wait\r\n"], SMTP),
    "imap": LineServer([b"* OK ready\r\n"], IMAP),
    "imap-knows": LineServer([b"* PREAUTH ready\r\n"], IMAP),
    "imap-refuses": LineServer([b"* BYE overloaded\r\n"], IMAP),
    "imap-tls": LineServer([b"* OK ready\r\n"], IMAP),
    "pop3": LineServer([b"+OK ready\r\n"], POP3),
    "pop3-refuses": LineServer([b"-ERR no\r\n"], POP3),
    "redis-loads": LineServer([], {b"PING": [b"-LOADING Redis is loading\r\n"]}),
    "pgsql-starts": LineServer([b"E\0\0\0\x0bSFATAL\0\0"], {}),
    "mysql-blocks": LineServer([b"\x05\0\0\0\xff\x6a\x04no"], {}),
    "ldap-refuses": LineServer([bytes.fromhex("300c02010161070a013004000400")], {}),
    "alive": LineServer([b"alive\r\n"], {}),
}
STUBS = ("imap", "pop3", "mysql", "pgsql", "redis", "ldap")
"""Kinds of the lab's stub servers; for each there is a healthy one and one that has to fail."""
WEB, PRIMARY, BACKUP = HttpServer(), HttpServer(), HttpServer()
CLIENTS_PORT = 5000
SESSIONS: dict[str, dict[str, Any]] = {
    "closed": {},
    "left-open": {"close_sessions": {"server_down": False}},
    "taken-back": {"close_sessions": {"primary_returns": True}},
}
"""Services of two servers whose health is that of PRIMARY and BACKUP."""


@dataclass(frozen=True)
class Case:
    """A service with one server, whether that is healthy, and the service's keys."""

    server: str
    up: bool
    keys: dict[str, Any]


def case(server: str, *, up: bool, service: dict[str, Any] | None = None, **check: Any) -> Case:
    return Case(server, up, {**(service or {}), "check": check})


def cases(ports: dict[str, int]) -> dict[str, Case]:
    passed = {"service": {"mode": "tcp"}, "path": "/200", "tls": True}
    again: dict[str, Any] = {"reencrypt": {}}
    refused = {name: case(name, up=False, kind=name.partition("-")[0]) for name in LINES if "-" in name}
    return {
        **refused,
        **{
            name: case(name, up=True, kind=name)
            for name in ("smtp", "imap", "pop3", "mysql", "pgsql", "ldap", "redis")
        },
        **{f"stub-{kind}": case(f"stub-{kind}", up=True, kind=kind) for kind in STUBS},
        **{f"stub-{kind}-fails": case(f"stub-{kind}-fails", up=False, kind=kind) for kind in STUBS},
        "smtp-lines": case("smtp-lines", up=True, kind="smtp"),
        "imap-knows": case("imap-knows", up=True, kind="imap"),
        "imap-tls": case("imap-tls", up=True, kind="imap", tls=True, host=HOST),
        "imap-tls-other": case("imap-tls", up=False, kind="imap", tls=True, host=ANOTHER),
        "mysql-stranger": case("mysql", up=False, kind="mysql", user="stranger"),
        "redis-locked": case("locked", up=True, kind="redis"),
        "redis-replica": case("replica", up=True, kind="redis"),
        "redis-primary": case("redis", up=True, kind="redis", primary_only=True),
        "redis-no-primary": case("replica", up=False, kind="redis", primary_only=True),
        "redis-unknown": case("locked", up=False, kind="redis", primary_only=True),
        "status": case("web", up=True, path="/204", status=[200, 204]),
        "status-range": case("web", up=True, path="/401", status=[200, "400-401"], host=HOST),
        "status-other": case("web", up=False, path="/500", status="200-399"),
        "body": case("web", up=True, path="/202", status=202, body="is (well)", headers={"X-Health": HEADER}),
        "body-status": case("web", up=False, path="/500", body="is (well)"),
        "body-other": case("web", up=False, path="/200", body="is (.*)"),
        "sni": case("secure", up=True, **passed, host=HOST),
        "sni-none": case("secure", up=False, **passed),
        "sni-other": case("secure", up=False, **passed, host=ANOTHER),
        "sni-name": case("secure", up=True, service={"reencrypt": {"name": HOST}}, path="/200", host=ANOTHER),
        "sni-host": case("secure", up=True, service=again, path="/200", host=HOST),
        "port": case("closed", up=True, path="/200", port=ports["web"]),
        "port-plain": case("closed", up=True, service=again, path="/200", port=ports["web"]),
        "port-tls": case("closed", up=True, service=again, path="/200", port=ports["secure"], tls=True, host=HOST),
        "port-closed": case("web", up=False, path="/200", port=ports["closed"]),
    }


@dataclass
class Checked:
    """A running HAProxy that checks every case, and the ports on which it listens, by service."""

    admin: Path
    cases: dict[str, Case]
    listeners: dict[str, int]

    def states(self) -> dict[tuple[str, str], str]:
        """The state of each server by service and name; one that waits for its first result has none."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.admin))
            connection.sendall(b"show stat\n")
            rows = csv.DictReader(io.StringIO(connection.makefile().read().removeprefix("# ")))
            return {(row["pxname"], row["svname"]): row["status"] for row in rows if row["check_status"] != "INI"}

    def up(self) -> dict[str, bool | None]:
        """Whether the server of each case is up; None while its state is not settled."""
        states = self.states()
        return {name: {"UP": True, "DOWN": False}.get(states.get((name, "one"), "")) for name in self.cases}

    def session(self, name: str) -> socket.socket:
        """A client's session with one of the service's servers, which has greeted."""
        connection = socket.create_connection(("127.0.0.1", self.listeners[name]), timeout=NOTICED_SECONDS)
        assert connection.recv(100) == b"alive\r\n"
        return connection


def service(number: int, name: str, case: Case, ports: dict[str, int]) -> dict[str, Any]:
    mode = "http" if case.keys["check"].get("kind", "http") == "http" else "tcp"
    servers = [{"name": "one", "address": "192.168.56.21", "port": ports[case.server]}]
    keys = {"mode": mode, **case.keys, "check": {"every": 1, "fall": 1, "rise": 1, **case.keys["check"]}}
    return {"name": name, "port": CLIENTS_PORT + number, "servers": servers, **keys}


def session_service(number: int, name: str, ports: dict[str, int]) -> dict[str, Any]:
    servers = [
        {"name": "primary", "address": "192.168.56.21", "port": ports["alive"]},
        {"name": "backup", "address": "192.168.56.22", "port": ports["alive"], "backup": True},
    ]
    check = {"path": "/200", "port": ports["switch"], "every": 1, "fall": 1, "rise": 1}
    keys = {"mode": "tcp", "servers": servers, "check": check, **SESSIONS[name]}
    return {"name": name, "port": CLIENTS_PORT - 1 - number, **keys}


def start_servers(folder: Path, stack: ExitStack) -> dict[str, int]:
    """Start the servers of this file, and return their ports by name; nothing listens on that of `closed`."""
    tls_context(folder)
    secure = {name: only_for(HOST, folder / PEM) for name in ("imap-tls", "secure")}
    servers = {name: each.serve(secure.get(name)) for name, each in LINES.items()}
    servers |= {"web": WEB.serve(), "secure": WEB.serve(secure["secure"]), "switch": PRIMARY.serve()}
    servers |= {
        f"stub-{kind}{end}": start_stub(folder, kind, f"stub{end}") for kind in STUBS for end in ("", "-fails")
    }
    ports = {name: each.server_address[1] for name, each in servers.items()}
    twins = [BACKUP.serve(port=ports["switch"], host="127.0.0.2")]
    twins += [LINES["alive"].serve(port=ports["alive"], host="127.0.0.2")]
    for each in (*servers.values(), *twins):
        stack.callback(each.shutdown)
    return {**ports, "closed": free_port()}


def start_stub(folder: Path, kind: CheckKind, name: str) -> socketserver.TCPServer:
    set_failing(folder, "stub-fails:0")
    server = Tcp(("127.0.0.1", 0), handler(StubServer("127.0.0.1", 0, kind, name), Health(folder)))
    return start(server, None)


def configuration(services: list[dict[str, Any]], listeners: dict[str, int], admin: Path) -> str:
    """haproxy.cfg as it is rendered, but with addresses and ports that exist here, and less time for an answer."""
    facts = replace(FACTS, haproxy_version=RELEASE)
    files = appliance(quickstart(services=services), facts, FACTS.default_keepalived)
    text = files["/etc/haproxy/haproxy.cfg"].content.replace("timeout check 5s", "timeout check 2s")
    for spec, here in ADDRESSES.items():
        text = text.replace(f" {spec}:", f" {here}:")
    for each in services:
        text = re.sub(rf"(bind \S+:){each['port']}\b", rf"\g<1>{listeners[each['name']]}", text)
    defaults = text.partition("\ndefaults\n")[2]
    return f"global\n    stats socket {admin} mode 600 level admin\ndefaults\n{defaults}"


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checked]:
    folder = tmp_path_factory.mktemp("checks")
    with ExitStack() as stack:
        ports = {**stack.enter_context(daemons()), **start_servers(folder, stack)}
        all_cases = cases(ports)
        services = [service(number, *each, ports) for number, each in enumerate(all_cases.items())]
        services += [session_service(number, name, ports) for number, name in enumerate(SESSIONS)]
        listeners = {each["name"]: free_port() for each in services}
        (folder / "haproxy.cfg").write_text(configuration(services, listeners, folder / "admin.sock"))
        process = stack.enter_context(subprocess.Popen([PROGRAM, "-db", "-f", folder / "haproxy.cfg"]))
        stack.callback(process.terminate)
        until(lambda: process.poll() is None and listens(listeners["closed"]), "HAProxy", limit=NOTICED_SECONDS)
        yield Checked(folder / "admin.sock", all_cases, listeners)


def test_a_server_is_up_if_and_only_if_it_is_healthy(checked: Checked) -> None:
    expected = {name: each.up for name, each in checked.cases.items()}
    with suppress(TimedOut):  # the assertion says which
        until(lambda: checked.up() == expected, "all states", limit=NOTICED_SECONDS)
    assert checked.up() == expected


@pytest.mark.parametrize(("name", "farewell"), [("smtp", b"QUIT"), ("imap", b"a LOGOUT"), ("pop3", b"QUIT")])
def test_a_check_takes_leave(checked: Checked, name: str, farewell: bytes) -> None:
    until(lambda: checked.up()[name], "the first check", limit=NOTICED_SECONDS)
    ends = [last for last, end in zip(LINES[name].heard, LINES[name].heard[1:], strict=False) if end == b""]
    assert set(ends) == {farewell + b"\r\n"}


def test_a_check_sends_its_headers_as_written(checked: Checked) -> None:
    until(lambda: checked.up()["body"], "the first check", limit=NOTICED_SECONDS)
    assert {value for each in WEB.heard for name, value in each.items() if name.lower() == "x-health"} == {HEADER}


def test_requests_name_the_same_host_over_tls_as_the_check(checked: Checked) -> None:
    """Otherwise a server that insists on it would be healthy, and refuse every request."""
    until(lambda: checked.up()["sni-host"], "the first check", limit=NOTICED_SECONDS)
    connection = http.client.HTTPConnection("127.0.0.1", checked.listeners["sni-host"], timeout=NOTICED_SECONDS)
    connection.request("GET", "/200", headers={"Host": f"{HOST}:8443"})
    assert connection.getresponse().status == 200


def test_sessions_end_with_their_servers(checked: Checked) -> None:
    def primaries(state: str) -> bool:
        states = checked.states()
        return all(states.get((name, "primary")) == state for name in SESSIONS)

    until(lambda: primaries("UP"), "the primaries to be up", limit=NOTICED_SECONDS)
    with ExitStack() as stack:
        before = {name: stack.enter_context(checked.session(name)) for name in SESSIONS}
        PRIMARY.healthy = False
        until(lambda: primaries("DOWN"), "the primaries to be down", limit=NOTICED_SECONDS)
        assert {name for name, each in before.items() if is_closed(each)} == {"closed", "taken-back"}
        meanwhile = {name: stack.enter_context(checked.session(name)) for name in SESSIONS}
        PRIMARY.healthy = True
        until(lambda: primaries("UP"), "the primaries to return", limit=NOTICED_SECONDS)
        assert {name for name, each in meanwhile.items() if is_closed(each)} == {"taken-back"}


def is_closed(session: socket.socket) -> bool:
    session.settimeout(SILENT_SECONDS)
    try:
        return session.recv(100) == b""
    except TimeoutError:
        return False
