"""The program that the farm is: `python -m builder.lab.servers FOLDER`, inside the lab's network.

It reads the plan in FOLDER, listens on every port of it, says so by a file, and serves until the lab ends.
"""

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

from builder.lab import dialogues, post, selfsigned
from builder.lab.farm import MAIL_FAULT, PLAN, READY, StandIn
from builder.lab.health import Health
from builder.lab.mail import MAILS, Mailbox

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


class Http(Quiet, ThreadingHTTPServer):
    """A server of HTTP that looks no name up when it binds: no DNS server is in reach here."""

    request_queue_size = 128
    server_bind = Tcp.server_bind
    server_name, server_port = "", 0


class Tcp6(Tcp):
    """The same on an IPv6 address."""

    address_family = socket.AF_INET6


class Http6(Http):
    """The same on an IPv6 address."""

    address_family = socket.AF_INET6


def http_handler(server: StandIn, health: Health) -> Handler:
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


def serve(server: StandIn, mailbox: Mailbox, health: Health, tls: ssl.SSLContext) -> None:
    """Listen on one port, and answer in threads of its own."""
    where = (server.address, server.port)
    if server.kind == "smtp":
        post.serve(server, mailbox, health.folder)
        return
    kinds, handler = ((Http, Http6), http_handler) if server.kind == "http" else ((Tcp, Tcp6), dialogues.handler)
    listener = kinds[":" in server.address](where, handler(server, health))
    if server.tls:  # the handshake is made by the connection's own thread, at its first byte
        listener.socket = tls.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=listener.serve_forever, daemon=True).start()


def main(folder: Path) -> None:
    """Serve the plan of `folder` until we are ended."""
    mailbox, tls = Mailbox(folder / MAILS, folder / MAIL_FAULT), selfsigned.context(folder)
    for each in json.loads((folder / PLAN).read_text()):
        server = StandIn(**each)
        try:
            serve(server, mailbox, Health(folder), tls)
        except OSError as failure:
            sys.exit(f"{server.name} cannot listen on {server.address}:{server.port}: {failure}")
    (folder / READY).touch()
    threading.Event().wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
