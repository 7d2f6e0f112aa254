"""The stub servers: HTTP and HTTPS, and protocols in which the server speaks first."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import struct
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from builder.core.files import write_atomic
from builder.lab.stubs import MAIL_FAULT, PLAN, READY, Health, StubServer, smtp_server
from builder.lab.stubs.smtp_server import MAILS, Mailbox

NAME = "farm.pem"
LIFE = timedelta(days=30)


def context(folder: Path) -> ssl.SSLContext:
    """TLS for a server, with a certificate that is written to `folder` beforehand, its key with it."""
    path = folder / NAME
    write_atomic(path, _pem(), mode=0o600)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(path)
    return made


def _pem() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "vipforge farm")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - LIFE)
        .not_valid_after(now + LIFE)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM) + private


LineHandler = Callable[..., socketserver.BaseRequestHandler]
Reply = Callable[[str], str]
"""A line of the client to what is said to it; empty to end the connection."""


def line_handler(server: StubServer, health: Health) -> LineHandler:
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


def _echo(server: StubServer) -> tuple[str, Reply]:
    return f"{server.name}\n", lambda line: line


def _imap(server: StubServer) -> tuple[str, Reply]:
    """RFC 3501: a tag before each command, and before the answer that ends it."""

    def reply(line: str) -> str:
        tag, command, *_ = [*line.split(), "", ""]
        before = {"CAPABILITY": "* CAPABILITY IMAP4rev1\r\n", "LOGOUT": "* BYE\r\n"}.get(command.upper(), "")
        return f"{before}{tag} OK {server.name}\r\n"

    return f"* OK {server.name} ready\r\n", reply


def _pop3(server: StubServer) -> tuple[str, Reply]:
    """RFC 1939: every answer begins with +OK."""
    return f"+OK {server.name} ready\r\n", lambda line: "+OK bye\r\n" if line.upper().startswith("QUIT") else "+OK\r\n"


LAG_SECONDS = 2
LONGEST_HANG = 60
"""In seconds; longer than any check waits."""
NO_LINGER = struct.pack("ii", 1, 0)
"""For SO_LINGER: close(2) resets the connection (socket(7))."""

Handler = Callable[..., socketserver.BaseRequestHandler]


class Quiet:
    """Says nothing of a connection that is broken off: health checks do so all the time."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing."""


class Tcp(Quiet, socketserver.ThreadingTCPServer):
    """A server of TCP, with a thread for each connection."""

    daemon_threads = True
    request_queue_size = 128


class HttpStub(Quiet, ThreadingHTTPServer):
    """A server of HTTP that looks no name up when it binds: no DNS server is in reach here."""

    request_queue_size = 128
    server_bind = Tcp.server_bind
    server_name, server_port = "", 0


class Tcp6(Tcp):
    """The same on an IPv6 address."""

    address_family = socket.AF_INET6


class Http6(HttpStub):
    """The same on an IPv6 address."""

    address_family = socket.AF_INET6


def http_handler(server: StubServer, health: Health) -> Handler:
    """Answers every request with the server's name, or with 503 while it is to be ill.

    A login holds for its connection, as IIS's of Windows do, and is said back in X-Login; who the client is, as
    X-Forwarded-For told, in X-Client.
    """
    checks = {path.lower(): answer for path, answer in server.checks.items()}

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        login = ""
        wbufsize = -1  # header and body in one segment: two would wait for each other (Nagle, delayed ACK)

        def answer(self) -> None:
            self.login = self.headers.get("Authorization", self.login)
            fault = health.ill(server, self.path)
            if fault == "hangs":
                threading.Event().wait(LONGEST_HANG)
            if fault == "lags":
                threading.Event().wait(LAG_SECONDS)
                fault = ""
            if fault == "resets":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
                self.close_connection = True
                return
            status, text = checks.get(self.path.lower(), (200, ""))
            body = f"{text}{' ' if text else ''}{server.name}\n".encode()
            self.send_response(503 if fault else status)
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
            """Keep quiet: health checks come every second or two."""

    return Answer


def serve(server: StubServer, mailbox: Mailbox, health: Health, tls: ssl.SSLContext) -> None:
    """Listen on one port, and answer in threads of its own."""
    where = (server.address, server.port)
    if server.kind == "smtp":
        smtp_server.serve(server, mailbox, health.folder)
        return
    kinds, handler = ((HttpStub, Http6), http_handler) if server.kind == "http" else ((Tcp, Tcp6), line_handler)
    listener = kinds[":" in server.address](where, handler(server, health))
    if server.tls:  # the handshake is made by the connection's own thread, at its first byte
        listener.socket = tls.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=listener.serve_forever, daemon=True).start()


def main(folder: Path) -> None:
    """Serve the plan of `folder` until we are ended."""
    mailbox, tls = Mailbox(folder / MAILS, folder / MAIL_FAULT), context(folder)
    for each in json.loads((folder / PLAN).read_text()):
        server = StubServer(**each)
        try:
            serve(server, mailbox, Health(folder), tls)
        except OSError as failure:
            sys.exit(f"{server.name} cannot listen on {server.address}:{server.port}: {failure}")
    (folder / READY).touch()
    threading.Event().wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
