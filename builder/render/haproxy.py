"""What haproxy.cfg needs beyond the spec: backends, the maintenance page, and where certificates lie."""

from __future__ import annotations

from html import escape

from builder.core.errors import Exit, UserError
from builder.guests import Facts
from builder.spec.model import Cluster
from builder.spec.service import Service
from builder.spec.values import IpAddress, host

TLS_1_3 = (1, 8)
"""The first release that can be told to speak TLS 1.3 (and 1.5.18 of CentOS 7 has an OpenSSL without it)."""
BRACKETS = (1, 7)
"""The first release that takes an IPv6 address in brackets (commit ff5d51029 of haproxy)."""


class HaproxyTooOld(UserError):
    """The spec asks for what the guest's HAProxy lacks."""

    exit_code = Exit.BAD_SPEC


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
        raise HaproxyTooOld(
            f"HAProxy {version} cannot speak TLS 1.3 in {facts.title}, which tls.minimum asks for",
            hint='set tls.minimum to "1.2", or choose another guest',
        )
    return found


FOLDER = "/etc/haproxy/maintenance"
PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Maintenance</title></head>
<body style="font-family: sans-serif; margin: 15vh auto; max-width: 40em; padding: 0 1em"><p>{}</p></body>
</html>
"""


def maintenance_path(service: Service) -> str:
    """Where the guest has a service's page."""
    return f"{FOLDER}/{service.name}.http"


def maintenance_pages(cluster: Cluster) -> dict[str, str]:
    """The pages of all services that have one, by their paths in the guest."""
    return {
        maintenance_path(service): _answer(service.maintenance) for service in cluster.services if service.maintenance
    }


def _answer(text: str) -> str:
    page = PAGE.format(escape(text))
    lines = (
        "HTTP/1.1 503 Service Unavailable",
        "Content-Type: text/html; charset=utf-8",
        f"Content-Length: {len(page.encode())}",
        "Cache-Control: no-cache",
        "Retry-After: 60",
    )
    return "\r\n".join((*lines, "", page))


TLS_FILES_FOLDER = "/etc/vipforge/tls"


def guest_path(certificate: str) -> str:
    """The file of a certificate with its key, by the certificate's name in the spec."""
    return f"{TLS_FILES_FOLDER}/{certificate}.pem"


def authority_path(service: Service) -> str:
    """The file of the authority that a service's servers are verified with."""
    return f"{TLS_FILES_FOLDER}/{service.name}.authority.pem"
