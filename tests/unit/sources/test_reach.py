"""Whether a file is reachable, found out within seconds and without downloading it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from builder.sources import Pin, fetch
from builder.sources.fetch import cached, in_reach

NOBODY = "http://127.0.0.1:1/base.qcow2"
PinAt = Callable[..., Pin]


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """Answers are cached for the lifetime of a process."""
    forget = fetch._any_answers.cache_clear
    forget()
    yield
    forget()


@pytest.fixture
def no_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_answers", lambda _: pytest.fail("an address was tried"))
    monkeypatch.setattr(fetch, "_any_answers", lambda _: pytest.fail("an address was tried"))


@pytest.mark.usefixtures("server", "no_address_is_tried")
def test_a_cached_file_is_in_reach_without_connections(pin_at: PinAt) -> None:
    pin = pin_at(NOBODY, size=4)
    cached(pin).parent.mkdir(parents=True)
    cached(pin).write_text("base")
    assert in_reach(pin, offline=True)


@pytest.mark.usefixtures("server", "no_address_is_tried")
def test_a_file_in_a_mirror_folder_is_in_reach(pin_at: PinAt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pin = pin_at(NOBODY, size=None)
    (tmp_path / pin.file).write_text("base")
    monkeypatch.setenv("VIPFORGE_MIRROR", f"/no/such/folder:{tmp_path}")
    assert in_reach(pin, offline=True)


@pytest.mark.usefixtures("server", "no_address_is_tried")
def test_a_truncated_file_is_not_in_reach(pin_at: PinAt) -> None:
    pin = pin_at(NOBODY, size=400)
    cached(pin).parent.mkdir(parents=True)
    cached(pin).write_text("half")
    assert not in_reach(pin, offline=True)


@pytest.mark.usefixtures("server", "no_address_is_tried")
def test_offline_mode_in_the_environment_contacts_no_server(pin_at: PinAt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPFORGE_OFFLINE", "1")
    assert not in_reach(pin_at(NOBODY), offline=False)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(("answers", "found"), [({"a"}, True), ({"b"}, True), (set(), False)])
def test_one_address_that_answers_is_enough(
    pin_at: PinAt, monkeypatch: pytest.MonkeyPatch, answers: set[str], found: bool
) -> None:
    monkeypatch.setattr(fetch, "_answers", lambda url: url in answers)
    assert in_reach(pin_at("a", "b"), offline=False) is found


@pytest.mark.usefixtures("server")
def test_only_a_head_request_is_sent(pin_at: PinAt, server: object) -> None:
    requested = []
    server.http.RequestHandlerClass.do_HEAD = lambda handler: (
        requested.append(handler.path),
        handler.send_response(200),
        handler.end_headers(),
    )
    assert in_reach(pin_at(f"{server.url}/base.qcow2"), offline=False)
    assert requested == ["/base.qcow2"]


@pytest.mark.usefixtures("server")
def test_silent_servers_are_given_up_after_a_time_limit(pin_at: PinAt, monkeypatch: pytest.MonkeyPatch) -> None:
    """A DNS lookup may hang longer than the time limit of a request."""
    done = threading.Event()
    monkeypatch.setattr(fetch, "REACH_SECONDS", 0.2)
    monkeypatch.setattr(fetch, "_answers", lambda _: done.wait(10))
    began = time.monotonic()
    assert not in_reach(pin_at("a", "b"), offline=False)
    assert time.monotonic() - began < 2
    done.set()


@pytest.mark.usefixtures("server")
def test_a_local_file_is_reachable_without_connections(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("key")
    assert fetch.responds(f"file://{tmp_path}/key", offline=True)
    assert not fetch.responds(f"file://{tmp_path}/other", offline=True)
    assert not fetch.responds("http://127.0.0.1:1/key", offline=True)
