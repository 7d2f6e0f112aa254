"""What HAProxy has for the services of a spec: backends, the cookies that keep clients on servers, ports for https."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from builder.spec.service import Affinity, Check, Server, Service
from builder.spec.values import IpAddress

HTTPS = 443
DEFAULT_COOKIE = "SERVERID"
PEERS_PORT = 10001
"""Where the nodes exchange HAProxy's tables; one of the ports that SELinux lets HAProxy use (http_cache_port_t)."""


@dataclass(frozen=True)
class Backend:
    """Servers with one health check: those of a service, or those of one of its routes. `timeout` is in seconds."""

    name: str
    check: Check | None
    timeout: int
    affinity: Affinity | None
    servers: tuple[Server, ...]
    no_delay: bool = False
    cookie: str | None = None
    """The cookie that the spec names for these servers; a name that a route takes over from its service is none."""

    @property
    def has_table(self) -> bool:
        """Whether HAProxy remembers each client's server in a stick-table."""
        return self.affinity is not None and self.affinity.by == "source"


def backends(service: Service) -> Iterator[Backend]:
    """The backends of a service: one per route, then its own. What a route leaves out comes from the service."""
    for route in service.routes:
        yield Backend(
            f"{service.name}-{route.name}",
            route.check or service.check,
            route.timeout or service.timeout,
            route.affinity or service.affinity,
            route.servers or service.servers,
            route.no_delay,
            _cookie(route.affinity),
        )
    if service.servers:
        affinity = service.affinity
        yield Backend(
            service.name, service.check, service.timeout, affinity, service.servers, cookie=_cookie(affinity)
        )


def _cookie(affinity: Affinity | None) -> str | None:
    return affinity.cookie if affinity and affinity.by == "cookie" else None


def has_tables(services: Iterable[Service]) -> bool:
    """Whether HAProxy has tables for the services, which the nodes exchange."""
    return any(backend.has_table for service in services for backend in backends(service))


CookieMeaning = tuple[bool, frozenset[tuple[str, IpAddress]]]
"""What the values of a cookie stand for: whether it is secure, and the servers' names and addresses."""


def cookie_meaning(service: Service, backend: Backend) -> CookieMeaning:
    """What a backend's cookie stands for.

    Backends with the same meaning may share a cookie. A secure cookie is another one, because a browser does not let a
    plain service replace it (RFC 6265bis, section 5.7), nor sends it there.
    """
    return service.mode == "https", frozenset((server.name, server.address) for server in backend.servers)


def cookie_names(services: Iterable[Service]) -> dict[str, str]:
    """The cookie of each backend with affinity by cookie, by the backend's name.

    A browser sends a cookie to every port of a host, so backends share one only if it means the same to them. The
    first one has the name from the spec, or SERVERID; others add their own names, unless the spec names their cookies.
    """
    wanted = [
        (backend, cookie_meaning(service, backend))
        for service in services
        for backend in sorted(backends(service), key=lambda each: each.name != service.name)
        if backend.affinity and backend.affinity.by == "cookie"
    ]
    owners: dict[str, CookieMeaning] = {}
    for backend, meaning in wanted:
        if backend.cookie:
            owners.setdefault(backend.cookie, meaning)
    shared: dict[tuple[str, CookieMeaning], str] = {}
    names = {}
    for backend, meaning in wanted:
        base = name = (backend.affinity and backend.affinity.cookie) or DEFAULT_COOKIE
        while owners.setdefault(name, meaning) != meaning:
            name += f"-{backend.name}"
        names[backend.name] = backend.cookie or shared.setdefault((base, meaning), name)
    return names


def https_port(services: Iterable[Service], vip: IpAddress) -> int | None:
    """The port on which a VIP offers https: 443, else that of the first service with mode https; None without any.

    On port 443, TLS may also pass through HAProxy to the servers.
    """
    offered = [
        service.port
        for service in services
        if (service.mode == "https" or (service.mode == "tcp" and service.port == HTTPS))
        and vip in (service.vips or (vip,))
    ]
    return HTTPS if HTTPS in offered else next(iter(offered), None)
