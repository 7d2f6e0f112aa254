"""The stub servers that speak UDP: a time server, and a name server that knows nothing but the spec's time servers."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Collection
from functools import partial
from ipaddress import IPv4Address
from socket import AF_INET6, socket
from socketserver import BaseRequestHandler, ThreadingUDPServer

from builder.lab.stubs import StubServer

NTP = struct.Struct(">BBbbII4sIIIIIIII")
"""RFC 5905, section 7.3: leap, version and mode; stratum, poll, precision; root delay and dispersion; reference ID;
and four timestamps with the seconds since 1900 and their fraction."""
NTP_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970."""
CLIENT, SERVER = 3, 4
STRATUM, POLL, PRECISION = 2, 6, -20
REFERENCE = b"LOCL"
DNS = struct.Struct(">HHHHHH")
"""RFC 1035, section 4.1.1: ID, flags, and the numbers of questions, answers, authorities and additional records."""
IS_ANSWER, REFUSED = 0x8400, 5
ADDRESS_OF_A_NAME = b"\x00\x01\x00\x01"
"""Type A, class IN."""
SECONDS = 60

Reply = Callable[[bytes], bytes]
"""Takes a client's datagram, and returns the answer; an empty answer is not sent."""


def serve(server: StubServer) -> None:
    """Listen on one port, and answer in background threads."""
    names = {name.lower().encode() for name in server.names}
    reply = partial(dns_reply, names=names, own=server.address) if server.kind == "dns" else ntp_reply
    listener = (Udp6 if ":" in server.address else Udp)((server.address, server.port), _handler(reply))
    threading.Thread(target=listener.serve_forever, daemon=True).start()


class Udp(ThreadingUDPServer):
    """A UDP server with one thread per datagram."""

    daemon_threads = True


class Udp6(Udp):
    """A UDP server on an IPv6 address."""

    address_family = AF_INET6


def _handler(reply: Reply) -> type[BaseRequestHandler]:
    class Answer(BaseRequestHandler):
        request: tuple[bytes, socket]

        def handle(self) -> None:
            query, listener = self.request
            if answer := reply(query):
                listener.sendto(answer, self.client_address)

    return Answer


def ntp_reply(request: bytes) -> bytes:
    """Answer a client of NTP with this host's time; empty if the datagram is no client's."""
    if len(request) < NTP.size or request[0] & 7 != CLIENT:
        return b""
    version = request[0] & 0o70
    now = time.time() + NTP_EPOCH
    stamp = int(now), int(now % 1 * (1 << 32))
    sent_by_client = struct.unpack_from(">II", request, NTP.size - 8)
    return NTP.pack(
        version | SERVER, STRATUM, POLL, PRECISION, 0, 0, REFERENCE, *stamp, *sent_by_client, *stamp, *stamp
    )


def dns_reply(query: bytes, names: Collection[bytes], own: str) -> bytes:
    """Answer a DNS query: the IPv4 address `own` for names in lower case, and a refusal for any other name."""
    try:
        number, flags, *_ = DNS.unpack_from(query)
        name, end = _name(query)
    except (struct.error, IndexError):
        return b""
    question = query[DNS.size : end + 4]
    if name not in names:
        return DNS.pack(number, flags | IS_ANSWER | REFUSED, 1, 0, 0, 0) + question
    records = b""
    if question.endswith(ADDRESS_OF_A_NAME):
        # The name again, as a pointer to the question's (section 4.1.4).
        records = struct.pack(">H4sIH4s", 0xC000 | DNS.size, ADDRESS_OF_A_NAME, SECONDS, 4, IPv4Address(own).packed)
    return DNS.pack(number, flags | IS_ANSWER, 1, bool(records), 0, 0) + question + records


def _name(query: bytes) -> tuple[bytes, int]:
    """The name in a query's question, and where it ends. Raises IndexError if it does not."""
    labels, place = [], DNS.size
    while length := query[place]:
        labels.append(query[place + 1 : place + 1 + length].lower())
        place += 1 + length
    return b".".join(labels), place + 1
