"""Text from a spec reaches a real HAProxy as it was written, whatever it contains."""

from __future__ import annotations

import http.client
import socket
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from builder.core.waiting import until
from builder.render import jinja_environment
from builder.spec.values import other_path

pytestmark = pytest.mark.integration

HOSTILE = (
    "/plain",
    "/50%",
    "/%[src]",
    "/%{+Q}o%ci",
    "/%%",
    '/"double"',
    "/'single'",
    "/$HOME${HOME}",
    "/back\\slash\\x41",
    "/some#fragment",
    "/[a]{b}(c)*&=;,|~`!@^",
)
CONFIGURATION = """\
defaults
    mode http
    timeout connect 2s
    timeout client 2s
    timeout server 2s
frontend web
    bind 127.0.0.1:{{ port }}
    default_backend checked
{% for path in paths %}
    http-request redirect location {{ path | format_word }} code 302 if { path /{{ loop.index0 }} }
    acl exact path {{ path | word }}
{% endfor %}
    http-request return status 204 if exact
{% for path in paths %}
backend check{{ loop.index0 }}
    option httpchk
    http-check send meth GET uri {{ path | word }}
    server one 127.0.0.1:{{ server }} check inter 200ms
{% endfor %}
backend checked
    server one 127.0.0.1:{{ server }}
"""


@pytest.fixture
def asked() -> Iterator[tuple[int, set[str]]]:
    """The port of a server, and the paths that it has been asked for."""
    paths: set[str] = set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.add(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], paths
        server.shutdown()


@pytest.fixture
def port(asked: tuple[int, set[str]], tmp_path: Path) -> Iterator[int]:
    """The port of an HAProxy whose configuration holds every hostile path."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        own = free.getsockname()[1]
    text = jinja_environment().from_string(CONFIGURATION).render(paths=HOSTILE, port=own, server=asked[0])
    (tmp_path / "haproxy.cfg").write_text(text)
    with subprocess.Popen(["/usr/sbin/haproxy", "-db", "-f", tmp_path / "haproxy.cfg"]) as process:
        try:
            until(lambda: process.poll() is None and _answers(own), "HAProxy to listen", limit=10)
            yield own
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _get(port: int, path: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path)
    return connection.getresponse()


def test_a_spec_may_contain_each_of_them() -> None:
    assert [other_path(path) for path in HOSTILE] == list(HOSTILE)


def test_a_redirect_has_the_location_as_written(port: int) -> None:
    assert [_get(port, f"/{number}").headers["Location"] for number in range(len(HOSTILE))] == list(HOSTILE)


def test_a_route_matches_the_path_as_written(port: int) -> None:
    without_fragment = [path for path in HOSTILE if "#" not in path]
    assert {path: _get(port, path).status for path in without_fragment} == dict.fromkeys(without_fragment, 204)


def test_a_check_asks_for_the_path_as_written(port: int, asked: tuple[int, set[str]]) -> None:
    assert port
    until(lambda: asked[1] >= set(HOSTILE), f"checks of {set(HOSTILE) - asked[1]}", limit=10)
