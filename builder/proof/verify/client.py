"""What a client sees: whether a port answers, what a web service says, which certificate it shows.

Runs where the suite runs.
"""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
from typing import Literal

from builder.run import need, run
from builder.spec.places import IpAddress
from builder.spec.service import Service

SECONDS = 10
UNKNOWN_CLIENT = b"PROXY UNKNOWN\r\n"
"""What a service that accepts the PROXY protocol must hear first (proxy-protocol.txt, section 2.1)."""
BLOCKED = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES, errno.EPERM}
"""How connect(2) fails when a firewall answers with ICMP: firewalld's reject is `admin-prohibited`."""

Port = Literal["open", "refused", "filtered"]


def port(address: IpAddress, number: int, *, seconds: float = SECONDS) -> Port:
    """Whether a TCP port answers: `refused` is the host's own kernel, `filtered` a firewall or silence."""
    try:
        socket.create_connection((str(address), number), timeout=seconds).close()
    except ConnectionRefusedError:
        return "refused"
    except TimeoutError:
        return "filtered"
    except OSError as error:
        if error.errno in BLOCKED:
            return "filtered"
        raise
    return "open"


def answers_ping(address: IpAddress) -> bool:
    """Whether one of three echo requests is answered."""
    words = [need("ping", "iputils-ping"), "-n", "-q", "-c", "3", "-i", "0.2", "-W", "2", str(address)]
    return run(words, timeout=SECONDS, check=False).code == 0


def status(address: IpAddress, service: Service, path: str) -> int:
    """The HTTP status of a GET on that address and the service's port."""
    headers = {"Host": service.check.host} if service.check and service.check.host else {}
    connection = http.client.HTTPConnection(str(address), service.port)
    with _plain(address, service) as plain, _tls(plain) if service.mode == "https" else plain as way:
        connection.sock = way
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status


def certificate(address: IpAddress, service: Service, host: str | None) -> bytes:
    """The certificate, in DER, that the service shows to a client who asks for `host`, or names none."""
    with _plain(address, service) as plain, _tls(plain, host) as way:
        return way.getpeercert(binary_form=True) or b""


def _plain(address: IpAddress, service: Service) -> socket.socket:
    """A connection to the service, as far as TLS or the request."""
    made = socket.create_connection((str(address), service.port), timeout=SECONDS)
    if service.proxy_protocol.accept:
        made.sendall(UNKNOWN_CLIENT)
    return made


def _tls(plain: socket.socket, host: str | None = None) -> ssl.SSLSocket:
    """TLS on it. Whether the certificate is a good one is `vipforge check`'s affair; which one it is, ours."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(plain, server_hostname=host)
