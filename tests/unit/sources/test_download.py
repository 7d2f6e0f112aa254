"""Downloads: time limits, progress lines, and difficult servers and proxies."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

import pytest

from builder.sources import Pin, download, fetch
from builder.sources.fetch import NotFetched
from tests.unit.sources.conftest import CONTENT, Server, whole

PinAt = Callable[..., Pin]


HALF = len(CONTENT) // 2


def get(pin: Pin) -> bytes:
    return fetch.fetch(pin, offline=False, debian=None).read_bytes()


def test_a_silent_server_is_given_up_after_a_time_limit(
    server: Server, pin_at: PinAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "SILENCE_SECONDS", 0.2)
    done = threading.Event()
    server.fallback = lambda _: done.wait(5)
    with pytest.raises(NotFetched, match=r"no answer within 0\.2 s"):
        get(pin_at(server.url))
    done.set()


def test_a_slow_server_is_given_up_after_a_time_limit(
    server: Server, pin_at: PinAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "time_limit", lambda _: 0)
    with pytest.raises(NotFetched, match="the server is too slow"):
        get(pin_at(server.url))
    assert len(server.ranges) == 1


def test_the_time_limit_grows_with_the_size() -> None:
    assert download.time_limit(None) == download.time_limit(1000) == download.SHORTEST_LIMIT
    assert download.time_limit(900_000_000) == 9000


def test_a_long_download_shows_its_progress(
    server: Server, pin_at: PinAt, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(download, "PROGRESS_SECONDS", 0)
    get(pin_at(server.url))
    assert re.search(r"^\d MB of 0\.3 MB$", capsys.readouterr().err, re.MULTILINE)


def test_a_download_from_a_server_that_stalls_is_resumed(
    server: Server, pin_at: PinAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "SILENCE_SECONDS", 0.2)
    done = threading.Event()

    def falls_silent(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.end_headers()
        handler.wfile.write(CONTENT[:HALF])
        handler.wfile.flush()
        done.wait(5)

    server.replies = [falls_silent]
    assert get(pin_at(server.url)) == CONTENT
    done.set()
    assert server.ranges == [None, f"bytes={HALF}-"]


def test_a_redirected_download_is_resumed(server: Server, pin_at: PinAt) -> None:
    def elsewhere(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", f"{server.url}/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def cut(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.end_headers()
        handler.wfile.write(CONTENT[:HALF])
        handler.close_connection = True

    server.replies = [elsewhere, cut, elsewhere, whole]
    assert get(pin_at(server.url)) == CONTENT
    assert server.ranges == [None, None, f"bytes={HALF}-", f"bytes={HALF}-"]


def test_endless_redirects_are_reported(server: Server, pin_at: PinAt) -> None:
    def round_and_round(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", f"{server.url}/again")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.fallback = round_and_round
    with pytest.raises(NotFetched, match="redirect"):
        get(pin_at(server.url))


def test_an_interrupted_chunked_transfer_is_resumed(server: Server, pin_at: PinAt) -> None:
    def cut(handler: BaseHTTPRequestHandler) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"%x\r\n" % HALF + CONTENT[:HALF] + b"\r\n")
        handler.close_connection = True

    server.replies = [cut]
    assert get(pin_at(server.url)) == CONTENT
    assert server.ranges == [None, f"bytes={HALF}-"]


@pytest.mark.parametrize("size", [len(CONTENT), None])
def test_a_content_length_that_is_not_a_number_is_ignored(server: Server, pin_at: PinAt, size: int | None) -> None:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "many")
        handler.end_headers()
        handler.wfile.write(CONTENT)

    server.fallback = reply
    assert get(pin_at(server.url, size=size)) == CONTENT


def test_an_answer_that_is_not_http_is_reported(server: Server, pin_at: PinAt) -> None:
    server.fallback = lambda handler: handler.wfile.write(b"220 mail.example ESMTP\r\n") and None
    with pytest.raises(NotFetched, match=re.escape(f"{server.url}: ")):
        get(pin_at(server.url))


def test_the_proxy_in_the_environment_is_used_with_its_credentials(
    server: Server, pin_at: PinAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[tuple[str, str | None]] = []

    def proxy(handler: BaseHTTPRequestHandler) -> None:
        requests.append((handler.path, handler.headers["Proxy-Authorization"]))
        whole(handler)

    server.fallback = proxy
    monkeypatch.setenv("http_proxy", server.url.replace("://", "://user:p%40ss@"))
    monkeypatch.setenv("no_proxy", "other.example")
    assert get(pin_at("http://upstream.example/thing")) == CONTENT
    assert requests == [("http://upstream.example/thing", f"Basic {base64.b64encode(b'user:p@ss').decode()}")]


def test_no_proxy_is_heeded(server: Server, pin_at: PinAt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert get(pin_at(server.url)) == CONTENT
