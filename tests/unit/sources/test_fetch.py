"""Fetching a pinned file: downloads are resumed and checked, and files with a wrong digest are never used."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.sources import Pin, fetch
from builder.sources.fetch import NotFetched, refuse_offline
from tests.unit.sources.conftest import CONTENT, Server, whole

HALF = len(CONTENT) // 2

PinAt = Callable[..., Pin]


def cut_after(bytes_sent: int) -> Callable[[BaseHTTPRequestHandler], None]:
    """Announce the whole file, and close the connection after `bytes_sent` bytes."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.end_headers()
        handler.wfile.write(CONTENT[:bytes_sent])
        handler.close_connection = True

    return reply


def serving(content: bytes, *, announced: bool = True) -> Callable[[BaseHTTPRequestHandler], None]:
    """Serve this content from its beginning, whatever range is requested."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        if announced:
            handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return reply


def error(code: int) -> Callable[[BaseHTTPRequestHandler], None]:
    return lambda handler: handler.send_error(code)


def get(pin: Pin, **options: bool) -> Path:
    return fetch.fetch(pin, offline=options.get("offline", False), debian=None)


def part(pin: Pin) -> Path:
    place = fetch.cached(pin)
    return place.with_name(place.name + ".part")


def test_a_file_is_downloaded_once_and_then_cached(server: Server, pin_at: PinAt) -> None:
    pin = pin_at(server.url)
    assert get(pin).read_bytes() == CONTENT
    assert get(pin) == fetch.cached(pin)
    assert server.ranges == [None]
    assert not part(pin).exists()


def test_using_a_file_marks_it_as_used(server: Server, pin_at: PinAt) -> None:
    """File systems record reads at most once a day (mount(8), relatime), which would not protect it from a prune."""
    pin = pin_at(server.url)
    long_ago = time.time() - 9 * 24 * 60 * 60
    os.utime(get(pin), (long_ago, long_ago))
    assert time.time() - get(pin).stat().st_mtime < 60


def test_the_cache_is_named_after_the_digest(server: Server, pin_at: PinAt, tmp_path: Path) -> None:
    pin = pin_at(server.url)
    assert get(pin) == tmp_path / "cache" / "sources" / "sha256" / pin.digest / "thing-1.tar.gz"


def test_an_interrupted_download_is_resumed(server: Server, pin_at: PinAt) -> None:
    server.replies = [cut_after(HALF)]
    assert get(pin_at(server.url)).read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={HALF}-"]


def test_the_download_of_a_killed_run_is_resumed(server: Server, pin_at: PinAt) -> None:
    pin = pin_at(server.url)
    part(pin).parent.mkdir(parents=True)
    part(pin).write_bytes(CONTENT[:1000])
    assert get(pin).read_bytes() == CONTENT
    assert server.ranges == ["bytes=1000-"]


def test_a_download_from_a_server_without_ranges_starts_over(server: Server, pin_at: PinAt) -> None:
    server.replies = [cut_after(HALF), serving(CONTENT)]
    assert get(pin_at(server.url)).read_bytes() == CONTENT


def test_wrong_bytes_of_an_earlier_run_are_discarded(server: Server, pin_at: PinAt) -> None:
    pin = pin_at(server.url)
    part(pin).parent.mkdir(parents=True)
    part(pin).write_bytes(b"x" * 1000)
    assert get(pin).read_bytes() == CONTENT
    assert server.ranges == ["bytes=1000-", None]


def test_a_file_with_a_wrong_digest_is_never_used_and_both_digests_are_reported(server: Server, pin_at: PinAt) -> None:
    forged = CONTENT[:-1] + b"!"
    server.fallback = serving(forged)
    pin = pin_at(server.url)
    with pytest.raises(NotFetched) as caught:
        get(pin)
    assert f"wrong sha256: expected {pin.digest}, got " in caught.value.message
    assert not fetch.cached(pin).exists()
    assert not part(pin).exists()


def test_a_damaged_file_in_the_cache_is_replaced(server: Server, pin_at: PinAt) -> None:
    pin = pin_at(server.url)
    get(pin).write_bytes(b"y" * len(CONTENT))
    assert get(pin).read_bytes() == CONTENT


def test_a_damaged_file_in_the_cache_is_reported_if_it_cannot_be_replaced(server: Server, pin_at: PinAt) -> None:
    pin = pin_at(server.url)
    place = get(pin)
    place.write_bytes(b"y" * len(CONTENT))
    with pytest.raises(NotFetched, match=f"{place}: wrong sha256: expected {pin.digest}"):
        get(pin, offline=True)


def test_a_file_of_another_size_is_refused_before_it_is_written(server: Server, pin_at: PinAt) -> None:
    server.fallback = serving(b"<html>log in first</html>")
    pin = pin_at(server.url)
    with pytest.raises(NotFetched, match=f"wrong size: expected {len(CONTENT)} bytes, the server has 25"):
        get(pin)
    assert not part(pin).exists()


def test_a_response_that_is_too_long_is_cut_off(server: Server, pin_at: PinAt) -> None:
    server.fallback = serving(b"z" * (len(CONTENT) * 3), announced=False)
    pin = pin_at(server.url)
    with pytest.raises(NotFetched, match="wrong sha256"):
        get(pin)


def test_a_file_that_stays_incomplete_is_reported_and_kept_for_later(server: Server, pin_at: PinAt) -> None:
    server.fallback = serving(CONTENT[:HALF], announced=False)
    pin = pin_at(server.url)
    with pytest.raises(NotFetched, match=f"the connection was closed after {HALF} of {len(CONTENT)} bytes"):
        get(pin)
    assert part(pin).stat().st_size == HALF
    assert not fetch.cached(pin).exists()


def test_a_download_of_unknown_size_is_resumed(server: Server, pin_at: PinAt) -> None:
    pin = pin_at(server.url, size=None)
    part(pin).parent.mkdir(parents=True)
    part(pin).write_bytes(CONTENT[:HALF])
    assert get(pin).read_bytes() == CONTENT
    assert server.ranges == [f"bytes={HALF}-"]


def test_the_complete_download_of_a_killed_run_is_used(server: Server, pin_at: PinAt) -> None:
    pin = pin_at(server.url, size=None)
    part(pin).parent.mkdir(parents=True)
    part(pin).write_bytes(CONTENT)
    server.fallback = error(416)
    assert get(pin).read_bytes() == CONTENT


def test_every_address_is_tried_and_reported(server: Server, pin_at: PinAt) -> None:
    server.replies = [error(404), error(503)]
    with pytest.raises(NotFetched) as caught:
        get(pin_at(f"{server.url}/a", f"{server.url}/b"))
    assert f"{server.url}/a: the server answered 404 Not Found" in caught.value.message
    assert f"{server.url}/b: the server answered 503 Service Unavailable" in caught.value.message
    assert f"expected: {len(CONTENT)} bytes, sha256 {pin_at().digest}" in caught.value.message
    assert "put thing-1.tar.gz into a folder and set VIPFORGE_MIRROR to that folder" in caught.value.hint
    assert "vipforge sources fetch SPEC --to FOLDER" in caught.value.hint


def test_an_address_on_a_debian_mirror_is_reported_if_no_mirror_is_known(pin_at: PinAt) -> None:
    with pytest.raises(NotFetched, match=r"\{debian\}/pool/a: this host's apt sources name no Debian mirror"):
        get(pin_at("{debian}/pool/a"))


def test_the_second_address_is_used_if_the_first_fails(server: Server, pin_at: PinAt) -> None:
    server.replies = [error(404)]
    assert get(pin_at(f"{server.url}/a", f"{server.url}/b")).read_bytes() == CONTENT


def test_a_refused_connection_is_reported(pin_at: PinAt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("http_proxy", raising=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(NotFetched, match=f"{url}: Connection refused"):
        get(pin_at(url))


@pytest.fixture
def no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("no_socket")
def test_offline_opens_no_socket_and_reports_that(pin_at: PinAt) -> None:
    with pytest.raises(NotFetched, match=r"http://mirror\.example: not tried \(offline\)"):
        get(pin_at("http://mirror.example"), offline=True)


@pytest.mark.usefixtures("no_socket")
def test_the_environment_can_disable_connections(pin_at: PinAt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPFORGE_OFFLINE", "1")
    with pytest.raises(NotFetched, match="not tried"):
        get(pin_at("http://mirror.example"))
    with pytest.raises(UserError, match="making the base needs a mirror, and connections are disabled"):
        refuse_offline(offline=False, work="making the base")


@pytest.mark.usefixtures("no_socket")
def test_offline_takes_a_file_from_a_mirror_folder(
    pin_at: PinAt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried = tmp_path / "carried"
    carried.mkdir()
    (carried / "thing-1.tar.gz").write_bytes(CONTENT)
    monkeypatch.setenv("VIPFORGE_MIRROR", f"{tmp_path}/nothing:{carried}")
    assert get(pin_at("http://mirror.example"), offline=True).read_bytes() == CONTENT


def test_a_wrong_file_in_a_mirror_folder_is_skipped(
    server: Server, pin_at: PinAt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "thing-1.tar.gz").write_bytes(b"other")
    monkeypatch.setenv("VIPFORGE_MIRROR", str(tmp_path))
    assert get(pin_at(server.url)).read_bytes() == CONTENT


def test_a_file_address_needs_no_connection(pin_at: PinAt, tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(CONTENT)
    assert get(pin_at(f"file://{tmp_path}/kept"), offline=True).read_bytes() == CONTENT
    with pytest.raises(NotFetched, match="No such file"):
        fetch.cached(pin_at()).unlink()
        get(pin_at(f"file://{tmp_path}/absent"), offline=True)


def test_two_concurrent_fetches_download_once(server: Server, pin_at: PinAt) -> None:
    requested, proceed = threading.Event(), threading.Event()

    def slowly(handler: BaseHTTPRequestHandler) -> None:
        requested.set()
        proceed.wait(5)
        whole(handler)

    server.fallback = slowly
    pin, got = pin_at(server.url), []
    threads = [threading.Thread(target=lambda: got.append(get(pin).read_bytes())) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert requested.wait(5)
    proceed.set()
    for thread in threads:
        thread.join(10)
    assert got == [CONTENT, CONTENT]
    assert server.ranges == [None]


def test_a_cache_that_cannot_be_written_is_reported(
    server: Server, pin_at: PinAt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("VIPFORGE_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UserError, match=r"cannot be written: Not a directory") as caught:
        get(pin_at(server.url))
    assert "VIPFORGE_CACHE" in caught.value.hint


def test_a_full_disk_is_reported(server: Server, pin_at: PinAt) -> None:
    """Every write to /dev/full fails as on a full disk (full(4))."""
    pin = pin_at(server.url)
    part(pin).parent.mkdir(parents=True)
    part(pin).symlink_to("/dev/full")
    with pytest.raises(UserError, match="cannot be written: No space left on device"):
        get(pin)
