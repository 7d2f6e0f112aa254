"""How long a download may take, and what is said meanwhile."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

import pytest

from builder.sources import download, fetch
from builder.sources.fetch import NotFetched
from builder.sources.pins import Pin
from tests.unit.sources.conftest import Server

PinAt = Callable[..., Pin]


def get(pin: Pin) -> None:
    fetch.fetch(pin, offline=False, debian=None)


def test_a_silent_server_is_left_after_a_limit(server: Server, pin_at: PinAt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "SILENCE_SECONDS", 0.2)
    done = threading.Event()
    server.fallback = lambda _: done.wait(5)
    with pytest.raises(NotFetched, match=r"no answer within 0\.2 s"):
        get(pin_at(server.url))
    done.set()


def test_a_server_that_drips_is_left_after_a_limit(
    server: Server, pin_at: PinAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "limit", lambda _: 0)
    with pytest.raises(NotFetched, match="the server is too slow"):
        get(pin_at(server.url))
    assert len(server.ranges) == 1


def test_a_base_may_take_as_long_as_its_size_needs() -> None:
    assert download.limit(None) == download.limit(1000) == download.WHOLE_SECONDS
    assert download.limit(900_000_000) == 9000


def test_a_long_download_says_how_much_has_come(
    server: Server, pin_at: PinAt, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(download, "TOLD_EVERY", 0)
    get(pin_at(server.url))
    assert re.search(r"^\d MB of 0\.3 MB$", capsys.readouterr().err, re.MULTILINE)
