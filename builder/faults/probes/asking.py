"""Asking a service continuously, over HTTP, TCP or TLS, as a client does."""

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
"""SO_LINGER: closes with a reset, so that no port is kept in TIME_WAIT."""
UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN}


class NoAnswer(Exception):
    """The other side ended the connection without an answer, or gave one that is none."""


class Ask(Protocol):
    """One question; raises where no good answer comes. `name` is the probe's; `node` is set as soon as it is told."""

    name: str
    node: str

    async def ask(self) -> None:
        """Ask it."""


class Asker:
    """What every question needs: the plan, the wire and the record."""

    def __init__(self, plan: ProbePlan, wire: Wire, record: Record) -> None:
        self.plan = plan
        self.wire = wire
        self.record = record

    async def ask(self, question: Ask) -> None:
        """Ask one question to its end, and note it."""
        at, fault = monotonic(), ""
        try:
            async with asyncio.timeout(self.plan.timeout):
                await question.ask()
        except (OSError, NoAnswer, TimeoutError) as failure:
            fault = word(failure)
        self.record.sample(at, question.name, question.node, monotonic(), fault)

    async def connect(self, port: int) -> tuple[socket.socket, str]:
        """A connection to a port of the VIP, and the node that accepted it."""
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


def word(failure: Exception) -> str:
    """A failure in a word."""
    if isinstance(failure, TimeoutError):
        return "timeout"
    if isinstance(failure, ConnectionRefusedError):
        return "refused"
    if isinstance(failure, ConnectionError):
        return "reset"
    if isinstance(failure, OSError) and failure.errno in UNREACHABLE:
        return "unreachable"
    return str(failure) or type(failure).__name__


class Connect:
    """Connects, and no more: the kernel answers, whatever HAProxy does."""

    name = "tcp"

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self.node = ""

    async def ask(self) -> None:
        """Connect, and close again."""
        connection, self.node = await self._asker.connect(self._asker.plan.tcp)
        connection.close()


class Greeting:
    """Connects to a TCP service and waits for the first bytes that its server says."""

    name = "greeting"

    def __init__(self, asker: Asker, port: int) -> None:
        self._asker = asker
        self._port = port
        self.node = ""

    async def ask(self) -> None:
        """Connect, and wait for the first bytes."""
        connection, self.node = await self._asker.connect(self._port)
        with connection:
            if not await asyncio.get_running_loop().sock_recv(connection, 100):
                raise ConnectionResetError


class Http:
    """One HTTP request on a connection of its own."""

    name = "http"

    def __init__(self, asker: Asker, target: Target) -> None:
        self._asker = asker
        self._target = target
        self.node = ""

    async def ask(self) -> None:
        """Connect, and exchange a request and its answer."""
        connection, self.node = await self._asker.connect(self._target.port)
        with connection:
            await exchange(connection, request(self._target, "close"))


class Kept:
    """HTTP requests one after the other on one connection, which is opened again only when it broke."""

    name = "kept"

    def __init__(self, asker: Asker, target: Target) -> None:
        self._asker = asker
        self._target = target
        self._connection: socket.socket | None = None
        self.node = ""
        self.busy = False

    async def ask(self) -> None:
        """Exchange a request and its answer; a connection that fails is opened again by the next one."""
        try:
            if self._connection is None:
                self.node = ""
                self._connection, self.node = await self._asker.connect(self._target.port)
            await exchange(self._connection, request(self._target, "keep-alive"))
        except BaseException:
            if self._connection:
                self._connection.close()
            self._connection = None
            raise


def request(target: Target, connection: str) -> bytes:
    """A GET request."""
    lines = (f"GET {target.path} HTTP/1.1", f"Host: {target.host}", f"Connection: {connection}", "", "")
    return "\r\n".join(lines).encode()


async def exchange(connection: socket.socket, asked: bytes) -> None:
    """Send a request and read its whole answer; raises NoAnswer for a status of 500 or more."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, asked)
    heard = b""
    while not complete(heard):
        more = await loop.sock_recv(connection, 4096)
        if not more:
            raise ConnectionResetError
        heard += more
    check_status(heard)


def check_status(heard: bytes) -> None:
    """Raise NoAnswer where an HTTP answer is an error of the server's."""
    status = int(heard.split(b" ", 2)[1])
    if status >= SERVER_ERROR:
        raise NoAnswer(f"HTTP {status}")


def complete(heard: bytes) -> bool:
    """Whether an answer is there with all of the body that its Content-Length tells."""
    head, end, body = heard.partition(b"\r\n\r\n")
    if not end:
        return False
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return len(body) >= int(value)
    return True


PART = 4096


class TlsProbe:
    """One request on a connection of its own: whether it is served, not whether the certificate is trusted."""

    name = "tls"

    def __init__(self, asker: Asker, target: Target, context: ssl.SSLContext) -> None:
        self._asker = asker
        self._target = target
        self._context = context
        self.node = ""

    async def ask(self) -> None:
        """Connect, shake hands, and exchange a request and its answer."""
        connection, self.node = await self._asker.connect(self._target.port)
        with connection:
            reader, writer = await asyncio.open_connection(
                sock=connection, ssl=self._context, server_hostname=self._target.host.strip("[]")
            )
            try:
                writer.write(request(self._target, "close"))
                heard = b""
                while not complete(heard):
                    more = await reader.read(PART)
                    if not more:
                        raise ConnectionResetError
                    heard += more
            finally:
                writer.transport.abort()
        check_status(heard)


def context() -> ssl.SSLContext:
    """Trusts whatever certificate it is shown."""
    made = ssl.create_default_context()
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made
