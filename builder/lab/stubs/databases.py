"""The stub servers of databases and directories: as much of each protocol as a health check uses."""

from __future__ import annotations

import socketserver
from collections.abc import Callable, Mapping
from types import MappingProxyType

from builder.lab.stubs import Health, StubServer

LONGEST_MESSAGE = 4096
Answer = Callable[[bytes], bytes]
"""Takes a message of the client, and returns the server's; an empty one ends the connection."""

MYSQL_OK = bytes.fromhex("0700000200000002000000")
MYSQL_QUIT = bytes.fromhex("0100000001")


def mysql_greeting(server: StubServer) -> bytes:
    """MySQL's initial handshake, protocol 10: version, thread, scramble, capabilities, character set, status."""
    version = f"5.7.0-{server.name}\0".encode()
    scramble, capabilities, utf8, autocommit = b"12345678\0", b"\x00\x82", b"\x21", b"\x02\x00"
    more = b"\x00\x00" + b"\x15" + bytes(10) + b"123456789012\0"
    payload = b"\x0a" + version + b"\x01\0\0\0" + scramble + capabilities + utf8 + autocommit + more
    return len(payload).to_bytes(3, "little") + b"\0" + payload


def mysql(message: bytes) -> bytes:
    """Accept any account."""
    return b"" if message == MYSQL_QUIT else MYSQL_OK


def pgsql(message: bytes) -> bytes:
    """Accept any account: AuthenticationOk and ReadyForQuery; X is Terminate."""
    return b"" if message.startswith(b"X") else b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"


def ldap(message: bytes) -> bytes:
    """Answer a bind request with success, in RFC 4511's encoding; everything else, such as an unbind, ends it."""
    is_bind = message[5:6] == b"\x60"
    return b"\x30\x0c" + message[2:5] + b"\x61\x07\x0a\x01\x00\x04\x00\x04\x00" if is_bind else b""


def redis(message: bytes) -> bytes:
    """Answer as a primary does: PING, INFO, and QUIT, which is the only one that it closes the connection for."""
    command = message.strip().upper()
    if command.startswith(b"INFO"):
        return b"$28\r\n# Replication\r\nrole:master\r\n\r\n"
    return {b"PING": b"+PONG\r\n", b"QUIT": b"+OK\r\n", b"": b""}.get(command, b"-ERR unknown command\r\n")


ANSWERS: Mapping[str, Answer] = MappingProxyType({"mysql": mysql, "pgsql": pgsql, "ldap": ldap, "redis": redis})
"""How the server of each kind answers."""


def database_handler(server: StubServer, health: Health) -> Callable[..., socketserver.BaseRequestHandler]:
    """Return a handler that answers each message; it says nothing while the server has to fail."""
    answer = ANSWERS[server.kind]

    class Exchange(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            if health.failure(server):
                return
            try:
                if server.kind == "mysql":
                    self.request.sendall(mysql_greeting(server))
                while reply := self._reply(self.request.recv(LONGEST_MESSAGE)):
                    self.request.sendall(reply)
            except OSError:  # a health check disconnects as soon as it knows enough
                return

        def _reply(self, message: bytes) -> bytes:
            return answer(message) if message else b""

    return Exchange
