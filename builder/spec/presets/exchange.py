"""What the presets of Exchange have in common: ports, mail, and the ways to treat TLS."""

from __future__ import annotations

from builder.spec.preset import Mail, Preset
from builder.spec.service import Check, Reencrypt, Server, Service

HTTP, HTTPS = 80, 443
MAIL: dict[Mail, tuple[int, Check]] = {
    "smtp": (25, Check(kind="smtp")),
    "submission": (587, Check(kind="smtp")),
    "imaps": (993, Check(kind="imap", tls=True)),
    "pop3s": (995, Check(kind="pop3", tls=True)),
}
OUTLOOK_ANYWHERE = "rpc"
"""The route whose clients send RPC's calls and get their answers within two requests that last."""
IDLE = {"smtp": 600, "submission": 600, "imaps": 1860, "pop3s": 660}
"""Seconds of silence: RFC 5321, section 4.5.3.2 (up to 10 minutes), RFC 2177 (IDLE, up to 29), RFC 1939 (10)."""


def servers(asked: Preset, port: int) -> tuple[Server, ...]:
    """The preset's servers at one port."""
    return tuple(Server(**server.model_dump(), port=port) for server in asked.servers)


def web_servers(asked: Preset) -> tuple[Server, ...]:
    """The servers' web ports."""
    return servers(asked, HTTP if asked.tls == "offload" else HTTPS)


def reencrypt(asked: Preset) -> Reencrypt | None:
    """How TLS is opened again to the servers."""
    if asked.tls != "bridge":
        return None
    return Reencrypt(authority=asked.authority, name=asked.hosts[0] if asked.authority else None)


def mail(asked: Preset) -> tuple[Service, ...]:
    """The mail protocols: bytes are passed, and the servers' own TLS with them."""
    return tuple(
        Service(
            name=f"{asked.name}-{protocol}",
            mode="tcp",
            port=MAIL[protocol][0],
            vips=asked.vips,
            balance="leastconn",
            check=MAIL[protocol][1],
            timeout=IDLE[protocol],
            servers=servers(asked, MAIL[protocol][0]),
        )
        for protocol in asked.mail
    )


def redirect(asked: Preset) -> Service:
    """Port 80, from which everything is sent to https."""
    return Service(name=f"{asked.name}-redirect", port=HTTP, vips=asked.vips, hosts=asked.hosts, redirect="https")


def passed_through(asked: Preset, check: Check, *, by_source: bool = False) -> Service:
    """HTTPS as bytes: HAProxy sees no path, so one check speaks for all services of a server."""
    return Service(
        name=f"{asked.name}-web",
        mode="tcp",
        port=HTTPS,
        vips=asked.vips,
        balance="source" if by_source else "leastconn",
        check=check,
        timeout=3600,
        servers=servers(asked, HTTPS),
    )
