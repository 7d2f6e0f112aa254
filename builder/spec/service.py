"""What a VIP offers: a service, the servers behind it, and how HAProxy treats both."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from builder.spec import syntax
from builder.spec.values import (
    AnyAddress,
    CookieName,
    FilePath,
    Flag,
    HostName,
    HttpPath,
    Label,
    Part,
    Port,
    Seconds,
    Text,
)

CheckKind = Literal["http", "tcp", "smtp", "imap", "pop3"]
Count = Annotated[int, Field(ge=1, le=1_000_000, strict=True, examples=[1000])]
Body = Annotated[str, AfterValidator(syntax.header_text), Field(examples=["200 OK"])]


class Check(Part):
    """How HAProxy asks a server whether it is well."""

    kind: CheckKind = "http"
    """`http` sends a request; `smtp`, `imap` and `pop3` wait for the protocol's greeting; `tcp` only connects."""
    path: HttpPath = "/"
    """Path of the request."""
    status: Annotated[int, Field(ge=100, le=599, strict=True)] = 200
    """The status that means well."""
    body: Body | None = None
    """Text that the answer must hold."""
    host: HostName | None = None
    """Host header of the request."""
    tls: Flag = False
    """Ask over TLS where the service itself passes bytes; with `reencrypt` that is so anyway."""
    every: Seconds = 2
    """Seconds between two checks."""
    fall: Annotated[int, Field(ge=1, le=20, strict=True)] = 3
    """Failures in a row after which the server gets nothing more."""
    rise: Annotated[int, Field(ge=1, le=20, strict=True)] = 2
    """Successes in a row after which it gets requests again."""


class Server(Part):
    """One server behind a service."""

    name: Label
    """Its name in HAProxy's log and statistics."""
    address: AnyAddress
    """Its address."""
    port: Port
    """Its port."""
    weight: Annotated[int, Field(ge=0, le=256, strict=True)] = 1
    """Its share beside the other servers' weights; 0 for none."""
    backup: Flag = False
    """Whether it gets requests only when no other server is well."""


class Affinity(Part):
    """Sends a client to the same server again."""

    by: Literal["cookie", "source"]
    """`cookie` is HAProxy's own cookie; `source` is the client's address."""
    cookie: CookieName = "SERVERID"
    """Name of the cookie."""
    minutes: Annotated[int, Field(ge=1, le=10080, strict=True)] = 30
    """How long an address is remembered after its last connection."""


class Limits(Part):
    """How much a service takes on."""

    connections: Count | None = None
    """Connections of all clients at one time; more wait."""
    per_server: Count | None = None
    """Connections to one server at one time; more wait in a queue."""
    rate: Count | None = None
    """New connections in a second; more wait."""


class ProxyProtocol(Part):
    """The PROXY protocol: a line before the data that says who the client is (haproxy.org, proxy-protocol.txt)."""

    accept: Flag = False
    """Clients send it: something before the VIP does."""
    send: Literal["none", "v1", "v2"] = "none"
    """Whether the servers get it, and in which version."""


class Reencrypt(Part):
    """TLS to the servers."""

    authority: FilePath | None = None
    """PEM file of the authority of the servers' certificates; left out, they are not verified."""
    name: HostName | None = None
    """The name to ask servers for (SNI, not by HAProxy 1.5); with `authority`, their certificates must have it."""


class Route(Part):
    """A part of a web service that has a health of its own: which requests belong to it, by path or host."""

    name: Label
    """Its name in HAProxy's log and statistics, after the service's."""
    paths: tuple[HttpPath, ...] = ()
    """Paths and what is below them, in upper or lower case."""
    hosts: tuple[HostName, ...] = ()
    """Host names of the requests."""
    check: Check | None = None
    """Its health check; left out, the service's."""
    timeout: Seconds | None = None
    """Seconds that a server may take to answer; left out, the service's."""
    no_delay: Flag = False
    """Pass each piece of a request or an answer on at once, for clients that converse within one request."""
    affinity: Affinity | None = None
    """Whether a client keeps its server; left out, the service's."""
    servers: tuple[Server, ...] = ()
    """Its servers; left out, the service's."""


class Service(Part):
    """One port of the VIPs and the servers behind it."""

    name: Label
    """Its name in HAProxy's log and statistics."""
    mode: Literal["http", "https", "tcp"] = "http"
    """`http` looks into requests, `https` also ends TLS; `tcp` passes bytes."""
    port: Port
    """The port on every VIP."""
    vips: tuple[AnyAddress, ...] = ()
    """The VIPs that it is on; left out, all of them."""
    balance: Literal["roundrobin", "leastconn", "source"] = "roundrobin"
    """How a server is chosen."""
    certificates: tuple[Label, ...] = ()
    """With mode https: the certificates to show, the first one to clients that name no host."""
    hosts: tuple[HostName, ...] = ()
    """Names that clients use; `vipforge check` looks for them in the certificates."""
    hsts: Annotated[int, Field(ge=0, le=63_072_000, strict=True)] | None = None
    """Seconds for which browsers are told to use https only (RFC 6797); left out, they are told nothing."""
    redirect: Literal["https"] | None = None
    """Answer every request with its https address; such a service needs no servers."""
    root: HttpPath | None = None
    """Where a request for / is sent."""
    check: Check | None = None
    """Health check; left out, a TCP connect is enough."""
    affinity: Affinity | None = None
    """Whether a client keeps its server; left out, it need not."""
    reencrypt: Reencrypt | None = None
    """TLS to the servers; left out, they are spoken to in plain text."""
    limits: Limits = Limits()
    """How much the service takes on."""
    proxy_protocol: ProxyProtocol = ProxyProtocol()
    """Whether the PROXY protocol is spoken."""
    timeout: Seconds = 60
    """Seconds of silence after which a connection is closed; a WebSocket may be silent for an hour at least."""
    ntlm: Flag = False
    """Servers tie a login to its connection (NTLM, Kerberos): a client stays on it, and no other client gets it."""
    log: Literal["all", "errors"] = "all"
    """Which requests or connections HAProxy logs: `all`, or `errors` alone."""
    maintenance: Text | None = None
    """What a page says when no server is well; left out, HAProxy's own words."""
    routes: tuple[Route, ...] = ()
    """Parts of a web service with a health of their own; the first that fits takes the request."""
    servers: tuple[Server, ...] = ()
    """The servers; they also get what no route takes."""

    @property
    def is_web(self) -> bool:
        """Whether it speaks HTTP with clients, with or without TLS."""
        return self.mode != "tcp"

    def longest_silence(self) -> int:
        """The longest time that any part of it lets pass, in seconds."""
        return max(self.timeout, *(route.timeout or 0 for route in self.routes), 0)
