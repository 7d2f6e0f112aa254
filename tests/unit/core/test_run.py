"""Running subprocesses: failures, limits, environment, containment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.core import run as door
from builder.core.errors import HostLacks, TimedOut, UserError
from builder.core.waiting import until

pytestmark = pytest.mark.real_subprocess


def alive(marker: str) -> list[int]:
    """IDs of the processes whose command line contains `marker`."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if marker in words:
                found.append(int(folder.name))
    return found


def gone(marker: str, within: float = 5) -> bool:
    deadline = time.monotonic() + within
    while alive(marker):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The comment of a key that only a real ssh-agent has."""
    key, socket = tmp_path / "key", tmp_path / "agent"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ops@host", "-f", key], check=True)
    with subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL) as process:
        try:
            until(socket.exists, "the agent's socket", limit=10)
            monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
            subprocess.run(["ssh-add", "-q", key], check=True)
            key.unlink()
            yield "ops@host"
        finally:
            process.terminate()


def test_ssh_finds_the_keys_in_the_users_agent(agent: str) -> None:
    assert agent in door.run(["ssh-add", "-l"], timeout=10).out


def test_output_is_returned_and_stdin_is_empty() -> None:
    done = door.run(["sh", "-c", "cat; echo out; echo err >&2"], timeout=5)
    assert (done.code, done.out, done.err) == (0, "out\n", "err\n")


def test_a_failure_shows_the_cause_its_last_lines_and_the_command() -> None:
    with pytest.raises(door.CommandFailed) as caught:
        door.run(["sh", "-c", "seq 1 40; exit 3"], timeout=5, hint="try again")
    assert caught.value.code == 3
    assert str(caught.value).startswith("sh failed with exit code 3: 40\n")
    assert "\n    command: sh -c 'seq 1 40; exit 3'\n" in str(caught.value)
    assert "\n    40\n" in str(caught.value)
    assert "\n    25\n" not in str(caught.value)
    assert str(caught.value).endswith("hint: try again")


def test_a_cause_before_the_last_lines_is_kept() -> None:
    with pytest.raises(door.CommandFailed) as caught:
        door.stream(["sh", "-c", "echo 'main.c:3: error: no'; seq 1 40; exit 2"], str, timeout=5)
    assert str(caught.value).startswith(
        "sh failed with exit code 2: main.c:3: error: no\n    main.c:3: error: no\n    …\n"
    )


def test_a_missing_program_is_named() -> None:
    with pytest.raises(HostLacks, match="no-such-program was not found"):
        door.run(["no-such-program"], timeout=5)


def test_need_names_the_debian_package() -> None:
    with pytest.raises(HostLacks) as caught:
        door.need("no-such-program", "some-package")
    assert "apt-get install some-package" in caught.value.hint


def test_a_missing_working_folder_is_not_reported_as_a_missing_program(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot start true in .*nowhere: no such folder"):
        door.run(["true"], timeout=5, cwd=tmp_path / "nowhere")


def test_a_limit_ends_the_command() -> None:
    with pytest.raises(TimedOut, match=r"sleep was still running after 0.2 s\n    command: sleep 60"):
        door.run(["sleep", "60"], timeout=0.2)


def test_the_environment_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("STRAY", "1")
    done = door.run(["env"], timeout=5, env={"GIVEN": "yes"})
    assert "LC_ALL=C.UTF-8\n" in done.out
    assert "GIVEN=yes\n" in done.out
    assert "STRAY" not in done.out


def test_stream_passes_lines_on_as_they_arrive() -> None:
    lines: list[tuple[float, str]] = []
    began = time.monotonic()
    code = door.stream(
        ["sh", "-c", "echo first; sleep 0.5; echo second >&2"],
        lambda line: lines.append((time.monotonic() - began, line)),
        timeout=5,
    )
    assert code == 0
    assert [line for _, line in lines] == ["first", "second"]
    assert lines[1][0] - lines[0][0] > 0.3


def test_stream_has_a_limit() -> None:
    with pytest.raises(TimedOut):
        door.stream(["sleep", "60"], lambda _: None, timeout=0.2)


def test_contained_grandchildren_end_with_the_command() -> None:
    marker = f"4242{os.getpid()}"
    door.run(door.contain(["sh", "-c", f"setsid sleep {marker} >/dev/null 2>&1 & sleep 0.2"]), timeout=10)
    assert gone(marker)


def test_contained_commands_end_when_we_are_killed() -> None:
    """Even after kill -9, nothing that vipforge started keeps running."""
    marker = f"4343{os.getpid()}"
    script = (
        "from builder.core.run import contain, run\n"
        f"run(contain(['sh', '-c', 'setsid sleep {marker} & sleep {marker}']), timeout=600)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script])
    deadline = time.monotonic() + 10
    while len(alive(f"sleep\0{marker}")) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(alive(f"sleep\0{marker}")) == 2
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert gone(marker)


def test_a_contained_command_without_network_has_only_a_loopback_interface() -> None:
    done = door.run(door.contain(["ip", "-brief", "link"], network=False), timeout=10)
    assert len(done.out.splitlines()) == 1
    assert done.out.startswith("lo ")
    assert "UP" in done.out
