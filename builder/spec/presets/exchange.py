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


UNAUTHORIZED = 401
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
"""Service to its virtual directory, seconds that an answer may take, affinity and check."""
RPC = {"mapper": 135, "mailbox": 59532, "addresses": 59533}


def services_2010(asked: Preset) -> tuple[Service, ...]:
    """Web, redirect, Outlook's RPC and mail."""
    return (_web_2010(asked), redirect(asked), *_rpc(asked), *mail(asked))


def _web_2010(asked: Preset) -> Service:
    if asked.tls == "passthrough":
        return passed_through(asked, Check(path=LOGON, tls=True), by_source=True)
    return Service(
        name=f"{asked.name}-web",
        mode="https",
        port=HTTPS,
        vips=asked.vips,
        certificates=(asked.certificate,) if asked.certificate else (),
        hosts=asked.hosts,
        hsts=asked.hsts,
        ntlm=True,
        root="/owa/",
        check=Check(path=LOGON),
        affinity=COOKIE,
        reencrypt=reencrypt(asked),
        maintenance=asked.maintenance,
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
        servers=web_servers(asked),
    )


def _rpc(asked: Preset) -> tuple[Service, ...]:
    """Outlook's RPC: chosen by the client's address alone, so that its three connections meet the same server."""
    return tuple(
        Service(
            name=f"{asked.name}-rpc-{name}",
            mode="tcp",
            port=port,
            vips=asked.vips,
            balance="source",
            timeout=7200,
            servers=servers(asked, port),
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
"""Service to its virtual directory, and seconds that an answer may take. ActiveSync's Ping waits up to 59 minutes
(MS-ASCMD, HeartbeatInterval), EWS streams for up to 30 (ConnectionTimeout), Outlook holds its channels open."""


def services_2013(asked: Preset) -> tuple[Service, ...]:
    """Web, redirect and mail."""
    return (_web_2013(asked), redirect(asked), *mail(asked))


def health(directory: str, **keys: bool) -> Check:
    """The check of one virtual directory."""
    return Check(path=f"{directory}/healthcheck.htm", body="200 OK", **keys)


def _web_2013(asked: Preset) -> Service:
    if asked.tls == "passthrough":
        return passed_through(asked, health("/owa", tls=True))
    return Service(
        name=f"{asked.name}-web",
        mode="https",
        port=HTTPS,
        vips=asked.vips,
        balance="leastconn",
        certificates=(asked.certificate,) if asked.certificate else (),
        hosts=asked.hosts,
        hsts=asked.hsts,
        ntlm=True,
        root="/owa/",
        check=health("/owa"),
        reencrypt=reencrypt(asked),
        maintenance=asked.maintenance,
        routes=tuple(
            Route(
                name=name,
                paths=(directory,),
                check=health(directory),
                timeout=seconds,
                no_delay=name == OUTLOOK_ANYWHERE,
            )
            for name, (directory, seconds) in DIRECTORIES_2013.items()
        ),
        servers=web_servers(asked),
    )


PRESETS = {"exchange2010": services_2010, "exchange2013": services_2013}
