"""Servers for health checks: real daemons, and protocol-true ones whose behavior and memory a test controls."""

from __future__ import annotations

import os
import shutil
import socket
import socketserver
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from builder.core.waiting import until

NOBODY = 65534
START_SECONDS = 30
POLL_SECONDS = 0.02
MEMORY = Path("/dev/shm")
"""Preparing MariaDB takes 5 s on a disk, and 1 s here."""
DAEMONS = ("mysql", "pgsql", "ldap", "redis", "replica", "locked")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@dataclass
class LineServer:
    """Greets, and answers lines by their first words; `heard` has every line that it got, and b"" for each end."""

    greeting: Sequence[bytes]
    answers: dict[bytes, Sequence[bytes]]
    heard: list[bytes] = field(default_factory=list)

    def serve(
        self, tls: ssl.SSLContext | None = None, *, host: str = "127.0.0.1", port: int = 0
    ) -> socketserver.TCPServer:
        own = self

        class Conversation(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                try:
                    self.say(own.greeting)
                    for line in self.rfile:
                        own.heard.append(line)
                        self.say(own.answers.get(line.strip(), [b"500 what?\r\n"]))
                except OSError:  # a check of an old HAProxy resets its connection
                    return
                finally:
                    own.heard.append(b"")

            def say(self, parts: Sequence[bytes]) -> None:
                """Each part in a packet of its own."""
                for part in parts:
                    self.connection.sendall(part)
                    threading.Event().wait(0.02)

        return start(Quiet((host, port), Conversation), tls)


class Quiet(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Refused handshakes and broken connections belong to the tests."""


class QuietHttp(ThreadingHTTPServer):
    handle_error = Quiet.handle_error  # type: ignore[assignment]


@dataclass
class HttpServer:
    """Answers every path with the status that it names, as in /204, while it is healthy."""

    healthy: bool = True
    heard: list[dict[str, str]] = field(default_factory=list)
    """The headers of each request."""

    def serve(
        self, tls: ssl.SSLContext | None = None, *, host: str = "127.0.0.1", port: int = 0
    ) -> socketserver.TCPServer:
        own = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                own.heard.append(dict(self.headers))
                self.send_response(int(self.path.rpartition("/")[2]) if own.healthy else 503)
                self.end_headers()
                self.wfile.write(b"all is (well)\n")

            def log_message(self, *_: object) -> None:
                pass

        return start(QuietHttp((host, port), Answer), tls)


def start(server: Any, tls: ssl.SSLContext | None) -> Any:
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=[POLL_SECONDS], daemon=True).start()
    return server


def only_for(name: str, pem: Path) -> ssl.SSLContext:
    """TLS that resets a client which asks for no host name, or for another one, as http.sys does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def judge(_: object, asked: str | None, __: object) -> int | None:
        return None if asked == name else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    context.sni_callback = judge  # type: ignore[assignment]
    return context


@contextmanager
def daemons() -> Iterator[dict[str, int]]:
    """MariaDB, PostgreSQL, OpenLDAP and three of Redis on free ports of the loopback interface, by name."""
    ports = {name: free_port() for name in DAEMONS}
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        preparations = [prepare_mysql(folder), prepare_pgsql(folder)]
        prepare_ldap(folder)
        commands = [
            redis(folder, ports["redis"]),
            redis(folder, ports["replica"], "--replicaof", f"127.0.0.1 {ports['redis']}"),
            redis(folder, ports["locked"], "--requirepass", "secret"),
            ["slapd", "-d", "0", "-f", folder / "slapd.conf", "-h", f"ldap://127.0.0.1:{ports['ldap']}"],
        ]
        for each in preparations:
            assert each.wait(START_SECONDS) == 0, (folder / "prepared").read_text()
        commands += [mysql(folder, ports["mysql"]), pgsql(folder, ports["pgsql"])]
        for number, command in enumerate(commands):
            stack.enter_context(daemon(command, folder / f"log{number}"))
        for port in ports.values():
            until(lambda port=port: listens(port), f"a daemon on port {port}", limit=START_SECONDS)
        yield ports


@contextmanager
def daemon(command: Sequence[str | Path], log: Path) -> Iterator[None]:
    executable = "/usr/bin/redis-check-rdb" if command[0] == "redis-server" else None
    with log.open("w") as output:
        process = subprocess.Popen(command, executable=executable, stdout=output, stderr=output)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def prepare(folder: Path, command: Sequence[str | Path]) -> subprocess.Popen[bytes]:
    with (folder / "prepared").open("a") as output:
        return subprocess.Popen(command, stdout=output, stderr=output)


def prepare_mysql(folder: Path) -> subprocess.Popen[bytes]:
    data = folder / "mysql"
    (folder / "account.sql").write_text("CREATE USER IF NOT EXISTS haproxy@'%';\n")
    words = ["mariadb-install-db", "--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"]
    return prepare(folder, [*words, "--user=root", f"--datadir={data}"])


def mysql(folder: Path, port: int) -> list[str | Path]:
    own = ["--no-defaults", "--user=root", f"--datadir={folder / 'mysql'}", f"--init-file={folder / 'account.sql'}"]
    return ["mariadbd", *own, f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder / 'mysql.sock'}"]


def as_nobody() -> list[str]:
    """The words before a command of PostgreSQL, which refuses to run as root."""
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []


def pgsql_program(name: str) -> Path:
    return max(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))


def prepare_pgsql(folder: Path) -> subprocess.Popen[bytes]:
    data, password = folder / "pgsql", folder / "password"
    data.mkdir()
    password.write_text("secret\n")
    if as_nobody():
        shutil.chown(data, NOBODY, NOBODY)
    words = ["--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={password}", "--no-sync", "--no-locale"]
    return prepare(folder, [*as_nobody(), pgsql_program("initdb"), *words, "-U", "postgres", "-D", data])


def pgsql(folder: Path, port: int) -> list[str | Path]:
    words = ["-F", "-h", "127.0.0.1", "-p", str(port), "-k", ""]
    return [*as_nobody(), pgsql_program("postgres"), "-D", folder / "pgsql", *words]


def prepare_ldap(folder: Path) -> None:
    (folder / "ldap").mkdir()
    lines = (
        "include /etc/ldap/schema/core.schema",
        "modulepath /usr/lib/ldap",
        "moduleload back_mdb",
        "database mdb",
        "suffix dc=example,dc=com",
        f"directory {folder / 'ldap'}",
    )
    (folder / "slapd.conf").write_text("\n".join(lines) + "\n")


def redis(folder: Path, port: int, *more: str) -> list[str | Path]:
    return ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder), *more]
