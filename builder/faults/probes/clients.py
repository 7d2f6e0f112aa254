"""The probes that act as clients of a service, over TCP, HTTP or TLS."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import struct
from time import monotonic
from typing import Protocol

from builder.faults.probes import packets, wire
from builder.faults.probes.record import ProbePlan, Record, Target
from builder.faults.probes.wire import Wire

SERVER_ERROR = 500
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER: close with a reset, so that no port stays in TIME_WAIT."""
UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN}
READ_SIZE = 4096


class NoAnswer(Exception):
    """The peer's answer is not a valid answer of the service."""


class Probe(Protocol):
    """One kind of client. `node` is the node that answered, as soon as it is known."""

    name: str
    node: str

    async def probe(self) -> None:
        """Send one request and wait for its answer; raises an exception if there is no good answer."""


class Prober:
    """Runs probes and records their results, using the plan, the wire and the record that they share."""

    def __init__(self, plan: ProbePlan, wire: Wire, record: Record) -> None:
        self.plan = plan
        self.wire = wire
        self.record = record

    async def run(self, probe: Probe) -> None:
        """Send one request and record its result."""
        at, error = monotonic(), ""
        try:
            async with asyncio.timeout(self.plan.timeout):
                await probe.probe()
        except (OSError, NoAnswer, TimeoutError) as failure:
            error = error_word(failure)
        self.record.sample(at, probe.name, probe.node, monotonic(), error)

    async def connect(self, port: int) -> tuple[socket.socket, str]:
        """Connect to a port of the VIP; returns the connection and the node that accepted it."""
        connection = socket.socket(wire.packets_of(self.plan.vip).FAMILY, socket.SOCK_STREAM)
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().sock_connect(connection, (self.plan.vip, port))
        except BaseException:
            connection.close()
            raise
        return connection, self.wire.node_of(packets.TCP, connection.getsockname()[1])


def error_word(failure: Exception) -> str:
    """Describe a failure in one word."""
    if isinstance(failure, TimeoutError):
        return "timeout"
    if isinstance(failure, ConnectionRefusedError):
        return "refused"
    if isinstance(failure, ConnectionError):
        return "reset"
    if isinstance(failure, OSError) and failure.errno in UNREACHABLE:
        return "unreachable"
    return str(failure) or type(failure).__name__


class TcpProbe:
    """Only connects: the kernel answers, whatever HAProxy does."""

    name = "tcp"

    def __init__(self, prober: Prober) -> None:
        self._prober = prober
        self.node = ""

    async def probe(self) -> None:
        """Connect and close the connection."""
        connection, self.node = await self._prober.connect(self._prober.plan.tcp)
        connection.close()


class GreetingProbe:
    """Connects to a TCP service and waits for the first bytes from its server."""

    name = "greeting"

    def __init__(self, prober: Prober, port: int) -> None:
        self._prober = prober
        self._port = port
        self.node = ""

    async def probe(self) -> None:
        """Connect and wait for the first bytes."""
        connection, self.node = await self._prober.connect(self._port)
        with connection:
            if not await asyncio.get_running_loop().sock_recv(connection, 100):
                raise ConnectionResetError


class HttpProbe:
    """Sends one HTTP request over a new connection."""

    name = "http"

    def __init__(self, prober: Prober, target: Target) -> None:
        self._prober = prober
        self._target = target
        self.node = ""

    async def probe(self) -> None:
        """Connect, send a request and read the answer."""
        connection, self.node = await self._prober.connect(self._target.port)
        with connection:
            await exchange(connection, http_request(self._target, "close"))


class KeptProbe:
    """Sends HTTP requests over one persistent connection, which is reopened only after a failure."""

    name = "kept"

    def __init__(self, prober: Prober, target: Target) -> None:
        self._prober = prober
        self._target = target
        self._connection: socket.socket | None = None
        self.node = ""

    async def probe(self) -> None:
        """Send a request and read the answer; after a failure, the next request reconnects."""
        try:
            if self._connection is None:
                self.node = ""
                self._connection, self.node = await self._prober.connect(self._target.port)
            await exchange(self._connection, http_request(self._target, "keep-alive"))
        except BaseException:
            if self._connection:
                self._connection.close()
            self._connection = None
            raise


def http_request(target: Target, connection: str) -> bytes:
    """A GET request with a `Connection` header."""
    lines = (f"GET {target.path} HTTP/1.1", f"Host: {target.host}", f"Connection: {connection}", "", "")
    return "\r\n".join(lines).encode()


async def exchange(connection: socket.socket, request: bytes) -> None:
    """Send a request and read the complete answer; raises NoAnswer for a status of 500 or more."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, request)
    answer = b""
    while not complete(answer):
        more = await loop.sock_recv(connection, READ_SIZE)
        if not more:
            raise ConnectionResetError
        answer += more
    check_status(answer)


def check_status(answer: bytes) -> None:
    """Raise NoAnswer if an HTTP answer is a server error."""
    status = int(answer.split(b" ", 2)[1])
    if status >= SERVER_ERROR:
        raise NoAnswer(f"HTTP {status}")


def complete(answer: bytes) -> bool:
    """Whether an answer has arrived completely, according to its Content-Length."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return len(body) >= int(value)
    return True


class TlsProbe:
    """Sends one HTTP request over a new TLS connection, without verifying the certificate."""

    name = "tls"

    def __init__(self, prober: Prober, target: Target, context: ssl.SSLContext) -> None:
        self._prober = prober
        self._target = target
        self._context = context
        self.node = ""

    async def probe(self) -> None:
        """Connect, perform the TLS handshake, send a request and read the answer."""
        connection, self.node = await self._prober.connect(self._target.port)
        with connection:
            reader, writer = await asyncio.open_connection(
                sock=connection, ssl=self._context, server_hostname=self._target.host.strip("[]")
            )
            try:
                writer.write(http_request(self._target, "close"))
                answer = b""
                while not complete(answer):
                    more = await reader.read(READ_SIZE)
                    if not more:
                        raise ConnectionResetError
                    answer += more
            finally:
                writer.transport.abort()
        check_status(answer)
