"""The farm: stand-ins for the servers behind the cluster, and for the SMTP server that gets its alerts."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from builder.files import write_atomic
from builder.lab.background import launch
from builder.lab.network import own_addresses
from builder.lab.state import Lab
from builder.lab.waiting import until
from builder.render.haproxy import backends
from builder.run import Argv
from builder.spec.model import Cluster
from builder.spec.places import IpAddress
from builder.spec.service import Check, Server, Service

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
class StandIn:
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
    words: Argv = [*lab.holder.inside(), sys.executable, "-m", "builder.lab.servers", lab.folder]
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


def stand_ins(cluster: Cluster) -> tuple[StandIn, ...]:
    """Every port that the farm listens on. Where two services share a server's port, it answers the checks of both."""
    found: dict[tuple[IpAddress, int], StandIn] = {}
    if cluster.alerts:
        smtp = cluster.alerts.smtp_server
        found[smtp, SMTP_PORT] = StandIn(str(smtp), SMTP_PORT, "smtp", ALERTS)
    for service in cluster.services:
        for backend in backends(service):
            for server in backend.servers:
                own = _stand_in(service, backend.check, server)
                first = found.setdefault((server.address, server.port), own)
                first.checks.update(own.checks)
    taken = own_addresses(cluster)
    return tuple(each for (address, _), each in found.items() if address not in taken)


def _stand_in(service: Service, check: Check | None, server: Server) -> StandIn:
    checks = {check.path: (check.status, check.body or "")} if check and check.kind == "http" else {}
    tls = bool(service.reencrypt) or bool(check and check.tls)
    return StandIn(str(server.address), server.port, _kind(service, check, server), server.name, checks, tls)


def _kind(service: Service, check: Check | None, server: Server) -> Kind:
    if service.is_web or (check and check.kind == "http"):
        return "http"
    if server.port == SMTP_PORT:
        return "smtp"
    return check.kind if check else "tcp"
