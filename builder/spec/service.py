"""What a VIP offers: a service, the servers behind it, and how HAProxy treats both."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from builder.spec import syntax
from builder.spec.values import (
    AnyAddress,
    AnyNetwork,
    CheckHeader,
    CookieName,
    DatabaseUser,
    FilePath,
    Flag,
    HeaderValue,
    HostName,
    HttpPath,
    Label,
    OtherPath,
    PathAlone,
    Port,
    Seconds,
    SpecModel,
    Statuses,
    Text,
)

CheckKind = Literal["http", "tcp", "smtp", "imap", "pop3", "mysql", "pgsql", "redis", "ldap"]
Count = Annotated[int, Field(ge=1, le=1_000_000, strict=True, examples=[1000])]
Body = Annotated[str, AfterValidator(syntax.header_text), Field(examples=["200 OK"])]


class Check(SpecModel):
    """How HAProxy checks whether a server is healthy."""

    kind: CheckKind = "http"
    """`tcp` only connects; every other kind holds a short conversation in its protocol and ends it properly."""
    port: Port | None = None
    """The port to check, if it differs from the server's."""
    path: HttpPath = "/"
    """Path of the request."""
    status: Statuses = ("200",)
    """The status codes of a healthy server: one, a range such as 200-399, or a list of both."""
    body: Body | None = None
    """Text that the answer must contain."""
    host: HostName | None = None
    """Host header of the request; over TLS also the name sent as SNI."""
    headers: dict[CheckHeader, HeaderValue] = Field(default={}, max_length=8)
    """Additional headers of the request."""
    user: DatabaseUser = "haproxy"
    """The database account for `mysql` and `pgsql`. It needs no privileges, and for `mysql` it must have no
    password."""
    primary_only: Flag = False
    """With `redis`: only the primary counts as healthy, so that clients never reach a replica."""
    tls: Flag = False
    """Check over TLS although the service itself only forwards bytes; `reencrypt` implies it on the server's port."""
    every: Seconds = 2
    """Seconds between two checks."""
    fall: Annotated[int, Field(ge=1, le=20, strict=True)] = 3
    """Consecutive failures after which the server gets no more requests."""
    rise: Annotated[int, Field(ge=1, le=20, strict=True)] = 2
    """Consecutive successes after which it gets requests again."""

    @property
    def codes(self) -> frozenset[int]:
        """Every status code of a healthy server."""
        ends = ((low, high or low) for low, _, high in (each.partition("-") for each in self.status))
        return frozenset(code for low, high in ends for code in range(int(low), int(high) + 1))


class Server(SpecModel):
    """One server behind a service."""

    name: Label
    """Its name in HAProxy's log and statistics."""
    address: AnyAddress
    """Its address."""
    port: Port
    """Its port."""
    weight: Annotated[int, Field(ge=0, le=256, strict=True)] = 1
    """Its share of the requests relative to the other servers' weights; 0 means none."""
    backup: Flag = False
    """Use the server only when no other server is healthy."""


class Affinity(SpecModel):
    """Keeps a client on the same server."""

    by: Literal["cookie", "source"]
    """`cookie` uses a cookie that HAProxy sets; `source` uses the client's address."""
    cookie: CookieName | None = None
    """Name of the cookie; the default is SERVERID. A route with servers of its own adds its name."""
    minutes: Annotated[int, Field(ge=1, le=10080, strict=True)] = 30
    """How long an address is remembered after its last connection."""


class Limits(SpecModel):
    """Limits on the connections of a service."""

    connections: Count | None = None
    """Concurrent connections of all clients; further connections wait."""
    per_server: Count | None = None
    """Concurrent connections to each server; further ones wait in a queue."""
    rate: Count | None = None
    """New connections per second; further ones wait."""


class CloseSessions(SpecModel):
    """When the sessions of a server are closed, so that their clients reconnect."""

    server_down: Flag | None = None
    """Close a server's sessions when its check fails; the default is true with mode tcp, and false otherwise."""
    primary_returns: Flag = False
    """Close the sessions on backup servers when another server is healthy again."""


class ProxyProtocol(SpecModel):
    """The PROXY protocol: a line before the data that says who the client is (haproxy.org, proxy-protocol.txt)."""

    accept: Flag = False
    """Clients send it, because there is another proxy before the VIP."""
    send: Literal["none", "v1", "v2"] = "none"
    """Whether it is sent to the servers, and in which version."""


class Reencrypt(SpecModel):
    """TLS to the servers."""

    authority: FilePath | None = None
    """PEM file of the certificate authority of the servers' certificates; by default they are not verified."""
    name: HostName | None = None
    """The host name to send to the servers (SNI, not supported by HAProxy 1.5); with `authority`, their certificates
    must contain it."""


class Route(SpecModel):
    """A part of a web service that is checked separately: which requests belong to it, by path or host."""

    name: Label
    """Its name in HAProxy's log and statistics, after the service's name."""
    paths: tuple[PathAlone, ...] = ()
    """Paths, including everything below them; upper and lower case are treated alike."""
    hosts: tuple[HostName, ...] = ()
    """Host names of the requests."""
    check: Check | None = None
    """Its health check; default: the service's."""
    timeout: Seconds | None = None
    """Seconds that a server may take to answer; default: the service's."""
    no_delay: Flag = False
    """Pass each part of a request or answer on at once, for clients that exchange data within one request."""
    affinity: Affinity | None = None
    """Whether a client keeps its server; default: as for the service."""
    servers: tuple[Server, ...] = ()
    """Its servers; default: the service's."""


class Service(SpecModel):
    """One port of the VIPs and the servers behind it."""

    name: Label
    """Its name in HAProxy's log and statistics."""
    mode: Literal["http", "https", "tcp"] = "http"
    """`http` processes HTTP requests, `https` also terminates TLS; `tcp` forwards bytes unchanged."""
    port: Port
    """The port on every VIP."""
    vips: tuple[AnyAddress, ...] = ()
    """The VIPs that offer the service; default: all of them."""
    balance: Literal["roundrobin", "leastconn", "source"] = "roundrobin"
    """How a server is chosen: in turn, by the fewest connections, or by the client's address."""
    certificates: tuple[Label, ...] = ()
    """With mode https: the certificates to present; clients that send no host name get the first one."""
    hosts: tuple[HostName, ...] = ()
    """Names that clients use; `vipforge check` verifies that the certificates cover them."""
    hsts: Annotated[int, Field(ge=0, le=63_072_000, strict=True)] | None = None
    """For how many seconds browsers must use only https (RFC 6797); by default no such header is sent."""
    redirect: Literal["https"] | None = None
    """Redirect requests to https, except those that match a route or that a trusted proxy received over https."""
    root: OtherPath | None = None
    """The path that a request for / is redirected to."""
    check: Check | None = None
    """The health check; by default a TCP connection is enough."""
    affinity: Affinity | None = None
    """Whether a client keeps its server; by default it does not."""
    reencrypt: Reencrypt | None = None
    """Use TLS to the servers; by default the connections are unencrypted."""
    limits: Limits = Limits()
    """Limits on the connections of the service."""
    close_sessions: CloseSessions = CloseSessions()
    """When HAProxy closes open sessions so that clients reconnect to another server."""
    proxy_protocol: ProxyProtocol = ProxyProtocol()
    """Use of the PROXY protocol."""
    trusted_proxies: tuple[AnyNetwork, ...] | None = None
    """The proxies in front of the VIPs that may say who the client is, in headers or by the PROXY protocol; default:
    those of the cluster."""
    timeout: Seconds = 60
    """Seconds of silence after which a connection is closed; a WebSocket may be silent for at least an hour."""
    ntlm: Flag = False
    """Set this if the servers tie a login to its connection (NTLM, Kerberos): each client then has its own connection,
    which no other client gets."""
    log: Literal["all", "errors"] = "all"
    """Which requests or connections HAProxy logs; `errors` leaves out those that succeeded."""
    maintenance: Text | None = None
    """The text of the page that clients get when no server is healthy; the default is HAProxy's own page."""
    routes: tuple[Route, ...] = ()
    """Parts of a web service that are checked separately; the first one that matches gets the request."""
    servers: tuple[Server, ...] = ()
    """The servers; they also get the requests that match no route."""

    @property
    def is_web(self) -> bool:
        """Whether clients speak HTTP to it, with or without TLS."""
        return self.mode != "tcp"

    @property
    def close_on_down(self) -> bool:
        """Whether a server's sessions are closed when the health check takes it out of use."""
        wanted = self.close_sessions.server_down
        return not self.is_web if wanted is None else wanted

    @property
    def http_check(self) -> Check | None:
        """The health check, if it sends HTTP requests to the port that also gets the clients' requests."""
        return self.check if self.check and self.check.kind == "http" and not self.check.port else None

    def checks_over_tls(self, check: Check | None) -> bool:
        """Whether a check of the service or a route speaks TLS; on the traffic's port it does as the traffic."""
        return bool((check and check.tls) or (self.reencrypt and not (check and check.port)))

    def name_in_check(self, check: Check | None) -> str | None:
        """The host name that a check asks the server for over TLS (SNI); where traffic names one, the same.

        HAProxy compares the certificate with the name that it sends, so `authority` without a name permits none.
        """
        if not self.checks_over_tls(check):
            return None
        own_port = check is not None and check.port is not None
        if self.reencrypt and not own_port and (self.reencrypt.name or self.reencrypt.authority):
            return self.reencrypt.name
        return check.host if check else None

    def longest_silence(self) -> int:
        """The longest timeout of the service and its routes, in seconds."""
        return max(self.timeout, *(route.timeout or 0 for route in self.routes), 0)
