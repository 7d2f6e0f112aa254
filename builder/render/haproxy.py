"""What haproxy.cfg needs beyond the spec: the HAProxy release, maintenance pages, and paths of certificates."""

from __future__ import annotations

import re
from html import escape
from typing import Literal

from builder.core.errors import Exit, UserError
from builder.guests import Facts
from builder.spec.model import Cluster
from builder.spec.problem import Loc
from builder.spec.service import Check, Service
from builder.spec.values import IpAddress, IpNetwork, Release, host, release

TLS_1_3 = (1, 8)
"""The first release with TLS 1.3. (HAProxy 1.5.18 in CentOS 7 is older, and its OpenSSL lacks TLS 1.3 as well.)"""
BRACKETS = (1, 7)
"""The first release that accepts an IPv6 address in brackets (commit ff5d51029 of haproxy)."""
IPV6 = 6
MAPPED = 96
"""The bits of an IPv4-mapped IPv6 address before those of IPv4."""
LENGTH_BYTES = 4
TLS_FILES_FOLDER = "/etc/vipforge/tls"
LISTS_FOLDER = "/etc/haproxy/certificates"
MAINTENANCE_FOLDER = "/etc/haproxy/maintenance"
MAINTENANCE_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Maintenance</title></head>
<body style="font-family: sans-serif; margin: 15vh auto; max-width: 40em; padding: 0 1em"><p>{}</p></body>
</html>
"""


class HaproxyTooOld(UserError):
    """The spec requires, at `loc`, a feature that the guest's HAProxy lacks."""

    exit_code = Exit.BAD_SPEC

    def __init__(self, message: str, *, loc: Loc, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.loc = loc


def bind_address(address: IpAddress, running: Release) -> str:
    """An address to put before `:PORT`; releases without brackets take what follows the last colon as the port."""
    return host(address) if running >= BRACKETS else str(address)


def as_ipv6(network: IpNetwork) -> str:
    """The network among IPv6 addresses: IPv4's are mapped (RFC 4291, section 2.5.5.2), and HAProxy matches both forms.

    An IPv4 network in an ACL would also match the 6to4 and IPv4-compatible addresses that contain its addresses
    (`pat_match_ip` of haproxy), which belong to others.
    """
    return (
        str(network) if network.version == IPV6 else f"::ffff:{network.network_address}/{MAPPED + network.prefixlen}"
    )


def haproxy_release(cluster: Cluster, facts: Facts) -> Release:
    """The appliance's HAProxy release as comparable numbers, such as (2, 6).

    Raises HaproxyTooOld if the spec requires a TLS version that this release, or the guest's OpenSSL, lacks.
    """
    version = cluster.haproxy.source or facts.haproxy_version
    found = release(version)
    if cluster.tls.minimum == "1.3" and (found < TLS_1_3 or not facts.has_tls_1_3):
        raise HaproxyTooOld(
            f"HAProxy {version} in {facts.title} does not support TLS 1.3, which tls.minimum requires",
            loc=("tls", "minimum"),
            hint='set tls.minimum to "1.2", or choose another guest',
        )
    return found


def server_defaults(service: Service, check: Check | None) -> str:
    """The words of `default-server` in a backend: what differs from the section `defaults`; empty if nothing does."""
    words = []
    if check and (check.every, check.fall, check.rise) != (2, 3, 2):
        words += [f"inter {check.every}s fall {check.fall} rise {check.rise}"]
    if check and check.port:
        words += [f"port {check.port}"]
    if service.close_on_down:
        words += ["on-marked-down shutdown-sessions"]
    if service.close_sessions.primary_returns:
        words += ["on-marked-up shutdown-backup-sessions"]
    return " ".join(words)


def status_pattern(check: Check) -> str:
    """A regular expression of the check's status codes, for releases that accept no list: `(20[0134]|401)`."""
    decades: dict[int, str] = {}
    for code in sorted(check.codes):
        decades[code // 10] = f"{decades.get(code // 10, '')}{code % 10}"
    return f"({'|'.join(f'{decade}{_one_of(digits)}' for decade, digits in decades.items())})"


def _one_of(digits: str) -> str:
    return digits if len(digits) == 1 else f"[{digits}]"


def literal_pattern(text: str) -> str:
    """A regular expression, POSIX extended or PCRE, that matches the text itself."""
    return re.sub(r"([][.*+?^$|(){}\\])", r"\\\1", text)


def startup_message(user: str) -> str:
    """PostgreSQL's StartupMessage of version 3.0, in hexadecimal digits: its length, the version, and the user."""
    content = b"\x00\x03\x00\x00user\x00" + user.encode() + b"\x00\x00"
    return ((len(content) + LENGTH_BYTES).to_bytes(LENGTH_BYTES, "big") + content).hex()


def maintenance_path(service: Service) -> str:
    """The path of a service's maintenance page in the guest."""
    return f"{MAINTENANCE_FOLDER}/{service.name}.http"


def maintenance_pages(cluster: Cluster) -> dict[str, str]:
    """The maintenance pages of all services that have one, by path in the guest."""
    return {
        maintenance_path(service): _response(service.maintenance)
        for service in cluster.services
        if service.maintenance
    }


def _response(text: str) -> str:
    """The whole HTTP response, as HAProxy's `errorfile` requires."""
    page = MAINTENANCE_PAGE.format(escape(text))
    lines = (
        "HTTP/1.1 503 Service Unavailable",
        "Content-Type: text/html; charset=utf-8",
        f"Content-Length: {len(page.encode())}",
        "Cache-Control: no-cache",
        "Retry-After: 60",
    )
    return "\r\n".join((*lines, "", page))


def guest_path(certificate: str) -> str:
    """The file in the guest with a certificate and its key, by the certificate's name in the spec."""
    return f"{TLS_FILES_FOLDER}/{certificate}.pem"


def certificate_option(service: Service) -> Literal["crt", "crt-list"]:
    """The option of `bind` for a service's certificates: `certificate_file` is the only one, or a list of them.

    HAProxy accepts 64 words on a line (MAX_LINE_ARGS) and reads lists since 1.5. In both forms, clients that send no
    host name get the first certificate.
    """
    return "crt" if len(service.certificates) == 1 else "crt-list"


def certificate_file(service: Service) -> str:
    """The file that `certificate_option` names, in the guest."""
    return guest_path(service.certificates[0]) if len(service.certificates) == 1 else _list_path(service)


def certificate_lists(cluster: Cluster) -> dict[str, str]:
    """The lists of the services with several certificates, by path in the guest."""
    return {
        _list_path(service): "".join(f"{guest_path(name)}\n" for name in service.certificates)
        for service in cluster.services
        if len(service.certificates) > 1
    }


def _list_path(service: Service) -> str:
    return f"{LISTS_FOLDER}/{service.name}.list"


def authority_path(service: Service) -> str:
    """The file in the guest with the CA that verifies a service's servers."""
    return f"{TLS_FILES_FOLDER}/{service.name}.authority.pem"
