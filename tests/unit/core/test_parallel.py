"""Functions called at once: their results, and what ends them when one fails."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from builder.core import parallel
from builder.core import run as door
from builder.core.errors import UserError
from tests.unit.core.test_run import alive, gone

pytestmark = pytest.mark.real_subprocess


def test_run_both_returns_both_results() -> None:
    lines: list[str] = []
    code, completed = parallel.run_both(
        lambda: door.stream(["echo", "one"], lines.append, timeout=5), lambda: door.run(["echo", "two"], timeout=5)
    )
    assert (code, lines, completed.out) == (0, ["one"], "two\n")


def test_when_one_half_fails_the_commands_of_the_other_are_killed() -> None:
    marker = f"3{os.getpid()}.5"

    def fail() -> None:
        deadline = time.monotonic() + 5
        while not alive(f"sleep\0{marker}") and time.monotonic() < deadline:
            time.sleep(0.05)
        raise UserError("no")

    began = time.monotonic()
    with pytest.raises(UserError, match="no"):
        parallel.run_both(fail, lambda: door.stream(["sleep", marker], print, timeout=60))
    assert time.monotonic() - began < 30
    assert gone(marker)


def test_a_command_that_starts_just_as_the_other_half_fails_is_killed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    spawned, marker = subprocess.Popen, f"3{os.getpid()}.25"
    started, failing = threading.Event(), threading.Event()

    def spawn(*words: Any, **options: Any) -> subprocess.Popen[str]:
        process = spawned(*words, **options)
        started.set()
        failing.wait(5)
        time.sleep(0.2)  # by now the failure has killed the processes it knows of
        return process

    def fail() -> None:
        started.wait(5)
        failing.set()
        raise UserError("no")

    monkeypatch.setattr(subprocess, "Popen", spawn)
    began = time.monotonic()
    with pytest.raises(UserError, match="no"):
        parallel.run_both(fail, lambda: door.stream(["sleep", marker], print, timeout=20))
    assert time.monotonic() - began < 10
    assert gone(marker)


def never_connects() -> None:
    """Repeat a command that fails, as a wait for a node's SSH does, and ignore its errors."""
    while True:
        with contextlib.suppress(UserError):
            door.run(["sleep", "60"], timeout=60)
        parallel.pause(60)


def pauses() -> None:
    parallel.pause(60)


@pytest.mark.parametrize("work", [never_connects, pauses])
@pytest.mark.parametrize("ending", [UserError, KeyboardInterrupt])
def test_threads_end_within_a_second_of_a_failure_or_an_interrupt(
    work: Callable[[], None], ending: type[BaseException]
) -> None:
    def fail() -> None:
        time.sleep(0.2)
        if ending is KeyboardInterrupt:
            os.kill(os.getpid(), signal.SIGINT)
            work()
        raise UserError("no")

    began = time.monotonic()
    with pytest.raises(ending):
        parallel.run_all([work, fail, work])
    assert time.monotonic() - began < 1.2


def test_the_results_are_in_the_order_of_the_calls() -> None:
    assert parallel.run_all([lambda: time.sleep(0.1) or 1, lambda: 2]) == [1, 2]
    assert parallel.run_all([]) == []


def test_a_failure_in_the_thread_is_raised() -> None:
    with pytest.raises(door.CommandFailed, match="false"):
        parallel.run_both(lambda: None, lambda: door.run(["false"], timeout=5))
