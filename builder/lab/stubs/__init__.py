"""The stub servers of a lab: which there are, where they listen, and which are unhealthy now."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from builder.core.files import write_atomic
from builder.core.run import Argv
from builder.core.waiting import launch, until
from builder.lab.state import Lab
from builder.spec.model import Cluster
from builder.spec.service import Check, Server, Service, backends
from builder.spec.values import IpAddress

SMTP_PORT = 25
START_SECONDS = 30
PLAN, READY, LOG = "farm.json", "farm.ready", "farm.log"
ILL = "farm.ill"
"""While this file is there, the servers answer no request with anything good."""
ALERTS = "smtp"
"""The name of the SMTP server that gets the cluster's alerts."""
MailFault = Literal["hangs", "refuses", "down"]
"""It leaves its clients waiting after their greeting, or takes no recipient, or does not listen."""
MAIL_FAULT = "mail.fault"
"""While this file is there, the SMTP server of the alerts fails as it says."""
MAIL_DOWN = "mail.down"
"""There as long as that server does not listen."""
MAIL_SECONDS = 15

DOWN = "farm.down"
"""While this file is there, what its lines name fails: `SERVER:PORT` or `SERVER:PORT/PATH`, and what is below.

After a = may stand how a web server fails: `fails` (503), `resets` (the connection) or `hangs`; or `lags`: it is slow.
"""

Kind = Literal["http", "tcp", "smtp", "imap", "pop3"]


@dataclass(frozen=True)
class StubServer:
    """One port of one server, and how it answers."""

    address: str
    port: int
    kind: Kind
    name: str
    checks: dict[str, tuple[int, str]] = field(default_factory=dict)
    """What `http` answers to the paths of health checks, status and body; anything else is answered with 200."""
    tls: bool = False


def begin(lab: Lab) -> None:
    """Start the farm inside the lab; returns when it listens."""
    write_atomic(lab.folder / PLAN, json.dumps([asdict(each) for each in stand_ins(lab.cluster)], indent=2) + "\n")
    words: Argv = [*lab.keeper.inside(), sys.executable, "-m", "builder.lab.stubs.servers", lab.folder]
    launch(words, (lab.folder / READY).exists, "the farm", log=lab.folder / LOG, limit=START_SECONDS)


def set_well(folder: Path, *, well: bool) -> None:
    """Let all servers of the farm in a lab's folder serve, or fail."""
    _set(folder / ILL, there=not well)


def set_mail(folder: Path, fault: MailFault | None) -> None:
    """Let the SMTP server of the alerts fail, or serve again; returns when it does. Raises TimedOut after 15 s."""
    if fault:
        write_atomic(folder / MAIL_FAULT, fault)
    else:
        (folder / MAIL_FAULT).unlink(missing_ok=True)
    is_down = (folder / MAIL_DOWN).exists
    until(lambda: is_down() == (fault == "down"), "the SMTP server to come or go", limit=MAIL_SECONDS)


def set_down(folder: Path, *named: str) -> None:
    """Let parts of the farm fail, such as `ex1:443/owa` or `ex1:443=hangs`, and everything else serve."""
    write_atomic(folder / DOWN, "".join(f"{each}\n" for each in named))


def _set(mark: Path, *, there: bool) -> None:
    if there:
        mark.touch()
    else:
        mark.unlink(missing_ok=True)


def stand_ins(cluster: Cluster) -> tuple[StubServer, ...]:
    """Every port that the farm listens on. Where two services share a server's port, it answers the checks of both."""
    found: dict[tuple[IpAddress, int], StubServer] = {}
    if cluster.alerts:
        smtp = cluster.alerts.smtp_server
        found[smtp, SMTP_PORT] = StubServer(str(smtp), SMTP_PORT, "smtp", ALERTS)
    for service in cluster.services:
        for backend in backends(service):
            for server in backend.servers:
                own = _stand_in(service, backend.check, server)
                first = found.setdefault((server.address, server.port), own)
                first.checks.update(own.checks)
    taken = cluster.own_addresses()
    return tuple(each for (address, _), each in found.items() if address not in taken)


def _stand_in(service: Service, check: Check | None, server: Server) -> StubServer:
    checks = {check.path: (check.status, check.body or "")} if check and check.kind == "http" else {}
    tls = bool(service.reencrypt) or bool(check and check.tls)
    return StubServer(str(server.address), server.port, _kind(service, check, server), server.name, checks, tls)


def _kind(service: Service, check: Check | None, server: Server) -> Kind:
    if service.is_web or (check and check.kind == "http"):
        return "http"
    if server.port == SMTP_PORT:
        return "smtp"
    return check.kind if check else "tcp"


@dataclass(frozen=True)
class Health:
    """The health of the farm in a lab's folder."""

    folder: Path

    def ill(self, server: StubServer, path: str = "") -> str:
        """How a server, or what it has at a path, is to fail now (farm.DOWN says how); empty while it is well."""
        if (self.folder / ILL).exists():
            return "fails"
        try:
            lines = (self.folder / DOWN).read_text().lower().split()
        except FileNotFoundError:
            return ""
        own = f"{server.name}:{server.port}{path}".lower()
        for line in lines:
            named, _, how = line.partition("=")
            if own == named or own.startswith(f"{named}/"):
                return how or "fails"
        return ""
