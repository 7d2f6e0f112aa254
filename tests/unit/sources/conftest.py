"""A server on the loopback that serves one file correctly or incorrectly, and a pin for that file."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from builder.sources import Pin

CONTENT = bytes(range(256)) * 1200

Reply = Callable[[BaseHTTPRequestHandler], None]


def whole(handler: BaseHTTPRequestHandler, content: bytes = CONTENT) -> None:
    """Serve the file, from the offset that the client requests."""
    begin = int((handler.headers.get("Range") or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
    handler.send_response(206 if begin else 200)
    handler.send_header("Content-Length", str(len(content) - begin))
    handler.end_headers()
    handler.wfile.write(content[begin:])


class Server:
    """A server with configurable replies that records the ranges requested from it."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.ranges: list[str | None] = []
        self.fallback: Reply = whole
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.ranges.append(self.headers.get("Range"))
                (outer.replies.pop(0) if outer.replies else outer.fallback)(self)

            def log_message(self, *_: object) -> None:
                """Keep the tests' output quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("VIPFORGE_MIRROR", "VIPFORGE_OFFLINE", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("urllib.request._opener", None)  # the cached opener keeps the proxies of its first request
    serving = Server()
    thread = threading.Thread(target=serving.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield serving
    serving.http.shutdown()
    serving.http.server_close()


@pytest.fixture
def pin_at() -> Callable[..., Pin]:
    """`pin_at(url, …)` is a pin of CONTENT at these addresses; `size` is None if upstream does not state it."""
    digest = hashlib.sha256(CONTENT).hexdigest()

    def make(*urls: str, size: int | None = len(CONTENT)) -> Pin:
        return Pin("thing", "1", "thing-1.tar.gz", size, "sha256", digest, urls)

    return make
