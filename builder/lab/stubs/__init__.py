"""The stub servers of a lab: their plan, starting them, and telling them to fail.

They run as one process inside the lab (builder/lab/stubs/servers.py). Files in the lab's folder tell it which server
or path has to fail, and how.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from builder.core.files import write_atomic
from builder.core.run import Argv
from builder.core.waiting import launch, until
from builder.lab.state import Lab
from builder.spec.backends import backends
from builder.spec.environment import ADDRESS
from builder.spec.model import Cluster
from builder.spec.service import Check, CheckKind, Server, Service
from builder.spec.values import IpAddress

SMTP_PORT = 25
NTP_PORT = 123
DNS_PORT = 53
START_SECONDS = 30
MAIL_SECONDS = 15
PLAN, READY, LOG = "stubs.json", "stubs.ready", "stubs.log"
ALL_FAIL = "stubs.all-fail"
"""While this file exists, every request to the servers fails."""
FAILING = "stubs.failing"
"""While this file exists, what its lines name fails: `SERVER:PORT`, or `SERVER:PORT/PATH` and every path below it.

After a = may stand how a web server fails: `fails` (503), `resets` (the connection), `hangs`, or `lags` (is slow).
"""
ALERTS = "smtp"
"""The name of the SMTP server that gets the cluster's alerts."""
MAIL_FAULT = "mail.fault"
"""While this file exists, the SMTP server of the alerts fails in the way that the file names."""
MAIL_DOWN = "mail.down"
"""This file exists as long as that server does not listen."""

Kind = CheckKind | Literal["ntp", "dns"]
MailFault = Literal["hangs", "refuses", "down"]
"""The SMTP server keeps clients waiting after their greeting, refuses every recipient, or does not listen."""


@dataclass(frozen=True)
class StubServer:
    """One port of one server, and how it answers."""

    address: str
    port: int
    kind: Kind
    name: str
    checks: dict[str, tuple[int, str]] = field(default_factory=dict)
    """What `http` answers on the paths of health checks, status and body; it answers any other path with 200."""
    tls: bool = False
    names: tuple[str, ...] = ()
    """The names that `dns` knows; they have its own address."""


def begin(lab: Lab) -> None:
    """Start the stub servers inside the lab; returns when they listen."""
    write_atomic(lab.folder / PLAN, json.dumps([asdict(each) for each in stub_servers(lab.cluster)], indent=2) + "\n")
    argv: Argv = [*lab.keeper.inside(), sys.executable, "-m", "builder.lab.stubs.servers", lab.folder]
    launch(argv, (lab.folder / READY).exists, "the stub servers", log=lab.folder / LOG, limit=START_SECONDS)


def stub_servers(cluster: Cluster) -> tuple[StubServer, ...]:
    """Return one stub for every port of the spec's servers.

    Where two services share a server's port, the stub answers the checks of both.
    """
    stubs: dict[tuple[IpAddress, int], StubServer] = {}
    if cluster.alerts:
        smtp = cluster.alerts.smtp_server
        stubs[smtp, SMTP_PORT] = StubServer(str(smtp), SMTP_PORT, "smtp", ALERTS)
    for service in cluster.services:
        for backend in backends(service):
            for server in backend.servers:
                for stub in _stubs(service, backend.check, server):
                    first = stubs.setdefault((server.address, stub.port), stub)
                    first.checks.update(stub.checks)
    for stub in _time_servers(cluster):
        stubs[ip_address(stub.address), stub.port] = stub
    taken = cluster.own_addresses()
    return tuple(stub for (address, _), stub in stubs.items() if address not in taken)


def _time_servers(cluster: Cluster) -> Iterator[StubServer]:
    """The time servers of the spec. Those that it names are where the name servers are, which know their names."""
    servers = cluster.network.ntp
    addresses = [server for server in servers if ADDRESS.search(server)]
    names = tuple(server for server in servers if server not in addresses)
    for name_server in map(str, cluster.network.dns if names else ()):
        yield StubServer(name_server, DNS_PORT, "dns", "names", names=names)
        yield StubServer(name_server, NTP_PORT, "ntp", "time")
    yield from (StubServer(address, NTP_PORT, "ntp", "time") for address in addresses)


def _stubs(service: Service, check: Check | None, server: Server) -> Iterator[StubServer]:
    """The stub of a server's port, and of the port that its health check asks instead."""
    address, answers = str(server.address), _check_answers(check)
    if check and check.port and check.port != server.port:
        yield StubServer(address, check.port, check.kind, server.name, answers, check.tls)
        check, answers = None, {}
    kind, tls = _kind(service, check, server), service.checks_over_tls(check)
    yield StubServer(address, server.port, kind, server.name, answers, tls)


def _check_answers(check: Check | None) -> dict[str, tuple[int, str]]:
    return {check.path: (min(check.codes), check.body or "")} if check and check.kind == "http" else {}


def _kind(service: Service, check: Check | None, server: Server) -> CheckKind:
    if service.is_web or (check and check.kind == "http"):
        return "http"
    if server.port == SMTP_PORT:
        return "smtp"
    return check.kind if check else "tcp"


def set_healthy(folder: Path, *, healthy: bool) -> None:
    """Let all stub servers of a lab's folder serve, or fail."""
    if healthy:
        (folder / ALL_FAIL).unlink(missing_ok=True)
    else:
        (folder / ALL_FAIL).touch()


def set_failing(folder: Path, *names: str) -> None:
    """Let the named parts fail, such as `ex1:443/owa` or `ex1:443=hangs`, and everything else serve."""
    write_atomic(folder / FAILING, "".join(f"{name}\n" for name in names))


def set_mail_fault(folder: Path, fault: MailFault | None) -> None:
    """Let the SMTP server of the alerts fail, or serve again; returns when it does. Raises TimedOut after 15 s."""
    if fault:
        write_atomic(folder / MAIL_FAULT, fault)
    else:
        (folder / MAIL_FAULT).unlink(missing_ok=True)
    is_down = (folder / MAIL_DOWN).exists
    until(lambda: is_down() == (fault == "down"), "the SMTP server to come or go", limit=MAIL_SECONDS)


@dataclass(frozen=True)
class Health:
    """Which stub servers of a lab's folder have to fail now."""

    folder: Path

    def failure(self, server: StubServer, path: str = "") -> str:
        """Return how a server, or one of its paths, has to fail now (see FAILING); empty while it is healthy."""
        if (self.folder / ALL_FAIL).exists():
            return "fails"
        try:
            lines = (self.folder / FAILING).read_text().lower().split()
        except FileNotFoundError:
            return ""
        target = f"{server.name}:{server.port}{path}".lower()
        for line in lines:
            name, _, failure = line.partition("=")
            if target == name or target.startswith(f"{name}/"):
                return failure or "fails"
        return ""
