"""Exchange 2013, also 2016 and 2019: no affinity is needed, and every virtual directory has a page for its health.

Each service has a health of its own (healthcheck.htm of its virtual directory, answered by Managed Availability), so
that one that is dead on one server moves alone.
"""

from __future__ import annotations

from builder.spec.preset import Preset
from builder.spec.presets import exchange
from builder.spec.service import Check, Route, Service

DIRECTORIES = {
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


def services(asked: Preset) -> tuple[Service, ...]:
    """Web, redirect and mail."""
    return (_web(asked), exchange.redirect(asked), *exchange.mail(asked))


def health(directory: str, **keys: bool) -> Check:
    """The check of one virtual directory."""
    return Check(path=f"{directory}/healthcheck.htm", body="200 OK", **keys)


def _web(asked: Preset) -> Service:
    if asked.tls == "passthrough":
        return exchange.passed_through(asked, health("/owa", tls=True))
    return Service(
        name=f"{asked.name}-web",
        mode="https",
        port=exchange.HTTPS,
        vips=asked.vips,
        balance="leastconn",
        certificates=(asked.certificate,) if asked.certificate else (),
        hosts=asked.hosts,
        hsts=asked.hsts,
        ntlm=True,
        root="/owa/",
        check=health("/owa"),
        reencrypt=exchange.reencrypt(asked),
        maintenance=asked.maintenance,
        routes=tuple(
            Route(
                name=name,
                paths=(directory,),
                check=health(directory),
                timeout=seconds,
                no_delay=name == exchange.OUTLOOK_ANYWHERE,
            )
            for name, (directory, seconds) in DIRECTORIES.items()
        ),
        servers=exchange.web_servers(asked),
    )
