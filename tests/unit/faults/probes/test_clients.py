"""How the result of one request is recorded, and by which clock."""

from __future__ import annotations

import asyncio
import errno
import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from builder.faults.model import Sample
from builder.faults.probes import clients
from builder.faults.probes.clients import NoAnswer, Prober
from builder.faults.probes.record import Record

WAIT = 0.02


class FakeProbe:
    """Waits a little and then succeeds or fails."""

    name = "http"
    node = "lb1"

    def __init__(self, wait: float = WAIT, failure: Exception | None = None) -> None:
        self._wait = wait
        self._failure = failure

    async def probe(self) -> None:
        await asyncio.sleep(self._wait)
        if self._failure:
            raise self._failure


def recorded(folder: Path, *fakes: FakeProbe, timeout: float = 1) -> list[Sample]:
    """The recorded samples of probes that run one after the other."""
    record = Record(folder / "record")

    async def run() -> None:
        plan: Any = SimpleNamespace(timeout=timeout)
        for fake in fakes:
            await Prober(plan, SimpleNamespace(), record).run(fake)  # type: ignore[arg-type]

    asyncio.run(run())
    record.flush()
    rows = map(json.loads, (folder / "record").read_text().splitlines())
    return [Sample(*values) for _, *values in rows]


def test_setting_the_wall_clock_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hours = iter(range(10_000, 0, -1))
    monkeypatch.setattr(time, "time", lambda: next(hours) * 3600.0)
    monkeypatch.setattr(time, "time_ns", lambda: next(hours) * 3600 * 10**9)
    before = time.monotonic()
    first, second = recorded(tmp_path, FakeProbe(), FakeProbe())
    assert before <= first.at < second.at < time.monotonic()
    for sample in (first, second):
        assert WAIT <= sample.latency < 1
        assert (sample.ok, sample.node, sample.error) == (True, "lb1", "")


def test_a_request_without_an_answer_ends_at_the_timeout(tmp_path: Path) -> None:
    (only,) = recorded(tmp_path, FakeProbe(wait=5), timeout=WAIT)
    assert (only.ok, only.error) == (False, "timeout")
    assert WAIT <= only.latency < 1


@pytest.mark.parametrize(
    ("failure", "word"),
    [
        (TimeoutError(), "timeout"),
        (ConnectionRefusedError(), "refused"),
        (ConnectionResetError(), "reset"),
        (BrokenPipeError(), "reset"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "unreachable"),
        (NoAnswer("HTTP 503"), "HTTP 503"),
    ],
)
def test_each_failure_has_its_word(tmp_path: Path, failure: Exception, word: str) -> None:
    (only,) = recorded(tmp_path, FakeProbe(failure=failure))
    assert (only.ok, only.error) == (False, word)


@pytest.mark.parametrize(
    ("heard", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nweb1", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwe", False),
        (b"HTTP/1.1 200 OK\r\nContent-Len", False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
    ],
)
def test_an_answer_is_complete_when_its_body_has_arrived(heard: bytes, *, whole: bool) -> None:
    assert clients.complete(heard) is whole


def test_a_server_error_is_not_an_answer() -> None:
    clients.check_status(b"HTTP/1.1 404 Not Found\r\n\r\n")
    with pytest.raises(NoAnswer, match="HTTP 503"):
        clients.check_status(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
