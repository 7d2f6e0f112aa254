"""Microsoft Exchange: the services of 2010 (CAS arrays, RPC ports) and of 2013 and later (HTTPS only)."""

from __future__ import annotations

from builder.spec.presets import Mail, Preset
from builder.spec.service import Affinity, Check, Reencrypt, Route, Server, Service

HTTP, HTTPS = 80, 443
MAIL: dict[Mail, tuple[int, Check]] = {
    "smtp": (25, Check(kind="smtp")),
    "submission": (587, Check(kind="smtp")),
    "imaps": (993, Check(kind="imap", tls=True)),
    "pop3s": (995, Check(kind="pop3", tls=True)),
}
OUTLOOK_ANYWHERE = "rpc"
"""The route whose clients exchange all RPC calls and answers within two long-running requests."""
IDLE = {"smtp": 600, "submission": 600, "imaps": 1860, "pop3s": 660}
"""Seconds of silence: RFC 5321, section 4.5.3.2 (up to 10 minutes), RFC 2177 (IDLE, up to 29), RFC 1939 (10)."""


def servers(preset: Preset, port: int) -> tuple[Server, ...]:
    """The preset's servers with the given port."""
    return tuple(Server(**dict(server), port=port) for server in preset.servers)


def web_servers(preset: Preset) -> tuple[Server, ...]:
    """The servers with the port for web requests."""
    return servers(preset, HTTP if preset.tls == "offload" else HTTPS)


def reencrypt(preset: Preset) -> Reencrypt | None:
    """The settings for TLS to the servers; None if connections to them are not encrypted again."""
    if preset.tls != "bridge":
        return None
    return Reencrypt(authority=preset.authority, name=preset.hosts[0] if preset.authority else None)


def mail(preset: Preset) -> tuple[Service, ...]:
    """The mail protocols as TCP services; TLS passes through to the servers."""
    return tuple(
        Service(
            name=f"{preset.name}-{protocol}",
            mode="tcp",
            port=MAIL[protocol][0],
            vips=preset.vips,
            balance="leastconn",
            check=MAIL[protocol][1],
            timeout=IDLE[protocol],
            servers=servers(preset, MAIL[protocol][0]),
        )
        for protocol in preset.mail
    )


def redirect(preset: Preset) -> Service:
    """Port 80, which redirects every request to https."""
    return Service(name=f"{preset.name}-redirect", port=HTTP, vips=preset.vips, hosts=preset.hosts, redirect="https")


def passed_through(preset: Preset, check: Check, *, by_source: bool = False) -> Service:
    """HTTPS as a TCP service: HAProxy sees no paths, so one check covers all services of a server."""
    return Service(
        name=f"{preset.name}-web",
        mode="tcp",
        port=HTTPS,
        vips=preset.vips,
        balance="source" if by_source else "leastconn",
        check=check,
        timeout=3600,
        servers=servers(preset, HTTPS),
    )


UNAUTHORIZED = ("401",)
SOURCE = Affinity(by="source", minutes=60)
COOKIE = Affinity(by="cookie", cookie="vipforge")
LOGON = "/owa/auth/logon.aspx"
DIRECTORIES_2010: dict[str, tuple[str, int, Affinity, Check]] = {
    "owa": ("/owa", 900, COOKIE, Check(path=LOGON)),
    "ecp": ("/ecp", 300, COOKIE, Check(path=LOGON)),
    "ews": ("/ews", 1860, COOKIE, Check(path="/ews/exchange.asmx", status=UNAUTHORIZED)),
    "activesync": ("/Microsoft-Server-ActiveSync", 3600, SOURCE, Check(kind="tcp")),
    "oab": ("/oab", 300, SOURCE, Check(kind="tcp")),
    "rpc": ("/rpc", 3600, SOURCE, Check(path="/rpc/rpcproxy.dll", status=UNAUTHORIZED)),
    "autodiscover": ("/autodiscover", 120, SOURCE, Check(path="/autodiscover/autodiscover.xml", status=UNAUTHORIZED)),
    "powershell": ("/powershell", 900, SOURCE, Check(kind="tcp")),
}
"""Each service's virtual directory, the seconds that a response may take, affinity and check."""
RPC = {"mapper": 135, "mailbox": 59532, "addresses": 59533}


def services_2010(preset: Preset) -> tuple[Service, ...]:
    """The services of Exchange 2010: web, redirect, Outlook's RPC and mail."""
    return (_web_2010(preset), redirect(preset), *_rpc(preset), *mail(preset))


def _web_2010(preset: Preset) -> Service:
    if preset.tls == "passthrough":
        return passed_through(preset, Check(path=LOGON, tls=True, host=preset.hosts[0]), by_source=True)
    return Service(
        name=f"{preset.name}-web",
        mode="https",
        port=HTTPS,
        vips=preset.vips,
        certificates=(preset.certificate,) if preset.certificate else (),
        hosts=preset.hosts,
        hsts=preset.hsts,
        ntlm=True,
        root="/owa/",
        check=Check(path=LOGON),
        affinity=COOKIE,
        reencrypt=reencrypt(preset),
        maintenance=preset.maintenance,
        routes=tuple(
            Route(
                name=name,
                paths=(directory,),
                timeout=seconds,
                affinity=affinity,
                check=check,
                no_delay=name == OUTLOOK_ANYWHERE,
            )
            for name, (directory, seconds, affinity, check) in DIRECTORIES_2010.items()
        ),
        servers=web_servers(preset),
    )


def _rpc(preset: Preset) -> tuple[Service, ...]:
    """Outlook's RPC, balanced by the client's address, so that its three connections reach the same server."""
    return tuple(
        Service(
            name=f"{preset.name}-rpc-{name}",
            mode="tcp",
            port=port,
            vips=preset.vips,
            balance="source",
            timeout=7200,
            servers=servers(preset, port),
        )
        for name, port in RPC.items()
    )


DIRECTORIES_2013 = {
    "owa": ("/owa", 900),
    "ecp": ("/ecp", 300),
    "ews": ("/ews", 1860),
    "activesync": ("/Microsoft-Server-ActiveSync", 3600),
    "oab": ("/oab", 300),
    "rpc": ("/rpc", 3600),
    "mapi": ("/mapi", 3600),
    "autodiscover": ("/autodiscover", 120),
    "powershell": ("/powershell", 900),
}
"""Each service's virtual directory, and the seconds that a response may take. ActiveSync's Ping waits up to 59 minutes
(MS-ASCMD, HeartbeatInterval), EWS streams for up to 30 (ConnectionTimeout), Outlook keeps its channels open."""


def services_2013(preset: Preset) -> tuple[Service, ...]:
    """The services of Exchange 2013 and later: web, redirect and mail."""
    return (_web_2013(preset), redirect(preset), *mail(preset))


def health(directory: str, host: str, **keys: bool) -> Check:
    """The check of one virtual directory, by the name that clients use."""
    return Check(path=f"{directory}/healthcheck.htm", body="200 OK", host=host, **keys)


def _web_2013(preset: Preset) -> Service:
    if preset.tls == "passthrough":
        return passed_through(preset, health("/owa", preset.hosts[0], tls=True))
    return Service(
        name=f"{preset.name}-web",
        mode="https",
        port=HTTPS,
        vips=preset.vips,
        balance="leastconn",
        certificates=(preset.certificate,) if preset.certificate else (),
        hosts=preset.hosts,
        hsts=preset.hsts,
        ntlm=True,
        root="/owa/",
        check=health("/owa", preset.hosts[0]),
        reencrypt=reencrypt(preset),
        maintenance=preset.maintenance,
        routes=tuple(
            Route(
                name=name,
                paths=(directory,),
                check=health(directory, preset.hosts[0]),
                timeout=seconds,
                no_delay=name == OUTLOOK_ANYWHERE,
            )
            for name, (directory, seconds) in DIRECTORIES_2013.items()
        ),
        servers=web_servers(preset),
    )


PRESETS = {"exchange2010": services_2010, "exchange2013": services_2013}
