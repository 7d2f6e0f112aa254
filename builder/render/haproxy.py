"""What haproxy.cfg's template is given beside the cluster: the release's number, and a service's backends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from builder.errors import Exit, UserError
from builder.guests import Facts
from builder.spec.model import Cluster
from builder.spec.places import IpAddress, host
from builder.spec.service import Affinity, Check, Server, Service

TLS_1_3 = (1, 8)
"""The first release that can be told to speak TLS 1.3 (and 1.5.18 of CentOS 7 has an OpenSSL without it)."""
BRACKETS = (1, 7)
"""The first release that takes an IPv6 address in brackets (commit ff5d51029 of haproxy)."""


class TooOld(UserError):
    """The spec asks for what the guest's HAProxy lacks."""

    exit_code = Exit.BAD_SPEC


@dataclass(frozen=True)
class Backend:
    """Servers with one health check: those of a service, or those of one of its routes. `timeout` is in seconds."""

    name: str
    check: Check | None
    timeout: int
    affinity: Affinity | None
    servers: tuple[Server, ...]
    no_delay: bool = False

    @property
    def cookie(self) -> str | None:
        """The name of the cookie that keeps a client at its server."""
        return self.affinity.cookie if self.affinity and self.affinity.by == "cookie" else None


def backends(service: Service) -> Iterator[Backend]:
    """The backends of a service: its routes', then its own. A route takes from the service what it has not itself."""
    for route in service.routes:
        yield Backend(
            f"{service.name}-{route.name}",
            route.check or service.check,
            route.timeout or service.timeout,
            route.affinity or service.affinity,
            route.servers or service.servers,
            route.no_delay,
        )
    if service.servers:
        yield Backend(service.name, service.check, service.timeout, service.affinity, service.servers)


def address(own: IpAddress, found: tuple[int, ...]) -> str:
    """An address as it stands in front of a port; an old release takes what follows the last colon for the port."""
    return host(own) if found >= BRACKETS else str(own)


def release(cluster: Cluster, facts: Facts) -> tuple[int, ...]:
    """The appliance's HAProxy as numbers that compare: (2, 6).

    Raises TooOld where the spec asks for more than that release, or the guest's OpenSSL, has.
    """
    version = cluster.haproxy.source or facts.haproxy_version
    found = tuple(int(part) for part in version.split("."))
    if cluster.tls.minimum == "1.3" and (found < TLS_1_3 or not facts.has_tls_1_3):
        raise TooOld(
            f"HAProxy {version} cannot speak TLS 1.3 in {facts.title}, which tls.minimum asks for",
            hint='set tls.minimum to "1.2", or choose another guest',
        )
    return found
