"""Stand-ins that greet and then answer line by line: an echo, IMAP and POP3, as far as clients' libraries ask."""

from __future__ import annotations

import socketserver
from collections.abc import Callable

from builder.lab.farm import StandIn
from builder.lab.health import Health

Handler = Callable[..., socketserver.BaseRequestHandler]
Reply = Callable[[str], str]
"""A line of the client to what is said to it; empty to end the connection."""


def handler(server: StandIn, health: Health) -> Handler:
    """Greets, then answers each line; says nothing while it is to be ill."""
    greeting, reply = (
        _imap(server) if server.kind == "imap" else _pop3(server) if server.kind == "pop3" else _echo(server)
    )

    class Dialogue(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if health.ill(server):
                return
            try:
                self.wfile.write(greeting.encode())
                for line in self.rfile:
                    said = reply(line.decode(errors="replace"))
                    self.wfile.write(said.encode())
                    if not said or said.startswith(("* BYE", "+OK bye")):
                        return
            except OSError:  # a health check that has seen enough
                return

    return Dialogue


def _echo(server: StandIn) -> tuple[str, Reply]:
    return f"{server.name}\n", lambda line: line


def _imap(server: StandIn) -> tuple[str, Reply]:
    """RFC 3501: a tag before each command, and before the answer that ends it."""

    def reply(line: str) -> str:
        tag, command, *_ = [*line.split(), "", ""]
        before = {"CAPABILITY": "* CAPABILITY IMAP4rev1\r\n", "LOGOUT": "* BYE\r\n"}.get(command.upper(), "")
        return f"{before}{tag} OK {server.name}\r\n"

    return f"* OK {server.name} ready\r\n", reply


def _pop3(server: StandIn) -> tuple[str, Reply]:
    """RFC 1939: every answer begins with +OK."""
    return f"+OK {server.name} ready\r\n", lambda line: "+OK bye\r\n" if line.upper().startswith("QUIT") else "+OK\r\n"
