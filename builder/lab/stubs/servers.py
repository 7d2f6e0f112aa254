"""The stub servers: HTTP and HTTPS, SMTP, and protocols in which the server speaks first."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import struct
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from builder.core.files import write_atomic
from builder.lab.stubs import MAIL_FAULT, PLAN, READY, Health, StubServer, smtp_server, udp_servers
from builder.lab.stubs.databases import ANSWERS, database_handler
from builder.lab.stubs.smtp_server import MAILS, Mailbox
from builder.spec.certificates import self_signed

PEM = "stubs.pem"
CERTIFICATE_DAYS = 30
LAG_SECONDS = 2
LONGEST_HANG = 60
"""In seconds; longer than any check waits."""
NO_LINGER = struct.pack("ii", 1, 0)
"""For SO_LINGER: close(2) resets the connection (socket(7))."""

Handler = Callable[..., socketserver.BaseRequestHandler]
Reply = Callable[[str], str]
"""Takes a line of the client, and returns the server's reply; an empty reply ends the connection."""


def main(folder: Path) -> None:
    """Serve the plan in `folder` until this process is killed."""
    mailbox, tls = Mailbox(folder / MAILS, folder / MAIL_FAULT), tls_context(folder)
    for each in json.loads((folder / PLAN).read_text()):
        server = StubServer(**each)
        try:
            serve(server, mailbox, Health(folder), tls)
        except OSError as failure:
            sys.exit(f"{server.name} cannot listen on {server.address}:{server.port}: {failure}")
    (folder / READY).touch()
    threading.Event().wait()


def serve(server: StubServer, mailbox: Mailbox, health: Health, tls: ssl.SSLContext) -> None:
    """Listen on one port, and answer in background threads."""
    if server.kind in ("ntp", "dns"):
        udp_servers.serve(server)
        return
    where = (server.address, server.port)
    if server.kind == "smtp":
        smtp_server.serve(server, mailbox, health.folder)
        return
    kinds = (HttpStub, HttpStub6) if server.kind == "http" else (Tcp, Tcp6)
    listener = kinds[":" in server.address](where, handler(server, health))
    if server.tls:  # each connection's thread makes the handshake, at the first byte
        listener.socket = tls.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=listener.serve_forever, daemon=True).start()


def handler(server: StubServer, health: Health) -> Handler:
    """Return the handler of a server's protocol."""
    if server.kind == "http":
        return http_handler(server, health)
    return database_handler(server, health) if server.kind in ANSWERS else line_handler(server, health)


def tls_context(folder: Path) -> ssl.SSLContext:
    """Return TLS for a server; its new certificate and key are written to `folder`."""
    path = folder / PEM
    write_atomic(path, b"".join(self_signed((), CERTIFICATE_DAYS)), mode=0o600)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


class Quiet:
    """Reports no connection that breaks off: health checks break off all the time."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore the error."""


class Tcp(Quiet, socketserver.ThreadingTCPServer):
    """A TCP server with one thread per connection."""

    daemon_threads = True
    request_queue_size = 128


class Tcp6(Tcp):
    """A TCP server on an IPv6 address."""

    address_family = socket.AF_INET6


class HttpStub(Quiet, ThreadingHTTPServer):
    """An HTTP server that looks up no name when it binds, because no DNS server is reachable in the lab."""

    request_queue_size = 128
    server_bind = Tcp.server_bind
    server_name, server_port = "", 0


class HttpStub6(HttpStub):
    """An HTTP server on an IPv6 address."""

    address_family = socket.AF_INET6


def http_handler(server: StubServer, health: Health) -> Handler:
    """Return a handler that answers every request with the server's name, or with 503 while the server has to fail.

    A login holds for its connection, as with Windows' IIS, and is returned in X-Login. X-Client returns the client's
    address as X-Forwarded-For names it.
    """
    checks = {path.lower(): answer for path, answer in server.checks.items()}

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        login = ""
        wbufsize = -1  # header and body in one segment: two would wait for each other (Nagle, delayed ACK)

        def answer(self) -> None:
            self.login = self.headers.get("Authorization", self.login)
            failure = health.failure(server, self.path)
            if failure == "hangs":
                threading.Event().wait(LONGEST_HANG)
            if failure == "lags":
                threading.Event().wait(LAG_SECONDS)
                failure = ""
            if failure == "resets":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
                self.close_connection = True
                return
            status, text = checks.get(self.path.lower(), (200, ""))
            body = f"{text}{' ' if text else ''}{server.name}\n".encode()
            self.send_response(503 if failure else status)
            self.send_header("X-Server", server.name)
            self.send_header("X-Login", self.login)
            self.send_header("X-Client", self.headers.get("X-Forwarded-For", ""))
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_OPTIONS = answer  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: object) -> None:
            """Log nothing: health checks come every second or two."""

    return Answer


def line_handler(server: StubServer, health: Health) -> Handler:
    """Return a handler that greets, then answers each line; it says nothing while the server has to fail."""
    greeting, reply = (
        _imap(server) if server.kind == "imap" else _pop3(server) if server.kind == "pop3" else _echo(server)
    )

    class Dialogue(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if health.failure(server):
                return
            try:
                self.wfile.write(greeting.encode())
                for line in self.rfile:
                    answer = reply(line.decode(errors="replace"))
                    self.wfile.write(answer.encode())
                    if not answer or answer.startswith(("* BYE", "+OK bye")):
                        return
            except OSError:  # a health check disconnects as soon as it knows enough
                return

    return Dialogue


def _echo(server: StubServer) -> tuple[str, Reply]:
    return f"{server.name}\n", lambda line: line


def _imap(server: StubServer) -> tuple[str, Reply]:
    """RFC 3501: a tag precedes each command, and the answer that completes it."""

    def reply(line: str) -> str:
        tag, command, *_ = [*line.split(), "", ""]
        before = {"CAPABILITY": "* CAPABILITY IMAP4rev1\r\n", "LOGOUT": "* BYE\r\n"}.get(command.upper(), "")
        return f"{before}{tag} OK {server.name}\r\n"

    return f"* OK {server.name} ready\r\n", reply


def _pop3(server: StubServer) -> tuple[str, Reply]:
    """RFC 1939: every positive answer begins with +OK."""
    return f"+OK {server.name} ready\r\n", lambda line: "+OK bye\r\n" if line.upper().startswith("QUIT") else "+OK\r\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
