"""Exchange 2010: a client must keep its Client Access server, by cookie in the browser and by address elsewhere.

It has no healthcheck.htm: OWA is asked for its logon page, the others by the answer that they give without a login.
RPC needs the static ports that the server's registry must set (59532 for mailboxes, 59533 for the address book).
"""

from __future__ import annotations

from builder.spec.preset import Preset
from builder.spec.presets import exchange
from builder.spec.service import Affinity, Check, Route, Service

UNAUTHORIZED = 401
SOURCE = Affinity(by="source", minutes=60)
COOKIE = Affinity(by="cookie", cookie="vipforge")
LOGON = "/owa/auth/logon.aspx"
DIRECTORIES: dict[str, tuple[str, int, Affinity, Check]] = {
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


def services(asked: Preset) -> tuple[Service, ...]:
    """Web, redirect, Outlook's RPC and mail."""
    return (_web(asked), exchange.redirect(asked), *_rpc(asked), *exchange.mail(asked))


def _web(asked: Preset) -> Service:
    if asked.tls == "passthrough":
        return exchange.passed_through(asked, Check(path=LOGON, tls=True), by_source=True)
    return Service(
        name=f"{asked.name}-web",
        mode="https",
        port=exchange.HTTPS,
        vips=asked.vips,
        certificates=(asked.certificate,) if asked.certificate else (),
        hosts=asked.hosts,
        hsts=asked.hsts,
        ntlm=True,
        root="/owa/",
        check=Check(path=LOGON),
        affinity=COOKIE,
        reencrypt=exchange.reencrypt(asked),
        maintenance=asked.maintenance,
        routes=tuple(
            Route(
                name=name,
                paths=(directory,),
                timeout=seconds,
                affinity=affinity,
                check=check,
                no_delay=name == exchange.OUTLOOK_ANYWHERE,
            )
            for name, (directory, seconds, affinity, check) in DIRECTORIES.items()
        ),
        servers=exchange.web_servers(asked),
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
            servers=exchange.servers(asked, port),
        )
        for name, port in RPC.items()
    )
