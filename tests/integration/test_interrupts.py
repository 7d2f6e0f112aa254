"""Ctrl-C ends every command within a second, also while it waits for a host that does not answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from builder.core.errors import Exit
from builder.core.waiting import until

pytestmark = pytest.mark.integration

SILENCE = """
ip link add silence type veth peer name end
ip link set end up
ip link set silence arp off up
ip address add 192.168.56.1/24 dev silence
ip route add default dev silence
exec "$@"
"""
"""Runs a command where packets to any address vanish."""
SPEC = Path(__file__).parents[2] / "examples" / "quickstart.yml"
MIRROR = "http://192.0.2.1/debian"
COMMANDS = {
    "verify": ("verify", SPEC),
    "push": ("push", SPEC),
    "libvirt": ("destroy", "libvirt", SPEC, "--yes", "--connect", "qemu+tcp://192.0.2.1/system"),
    "libvirt over SSH": ("destroy", "libvirt", SPEC, "--yes", "--connect", "qemu+ssh://root@192.0.2.1/system"),
    "vsphere": ("destroy", "vsphere", SPEC, "--yes", "--server", "192.0.2.1", "--user", "u"),
    "sources": ("sources", "fetch", "keepalived=2.3.4", "--mirror", MIRROR),
    "image": ("image", SPEC, "--guest", "debian12"),
    "doctor": ("doctor", SPEC),
}


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """Every one of these commands, as it waits for an answer."""
    environment = {
        **os.environ,
        **{f"VIPFORGE_{name.upper()}": str(tmp_path / name) for name in ("cache", "build", "state")},
        "VIPFORGE_VSPHERE_PASSWORD": "p",
        "TMPDIR": str(tmp_path / "tmp"),
    }
    (tmp_path / "tmp").mkdir()
    with ExitStack() as stack:
        commands = {}
        for name, words in COMMANDS.items():
            argv = ["unshare", "--net", "sh", "-ec", SILENCE, "sh", sys.executable, "-m", "builder", *map(str, words)]
            command = subprocess.Popen(
                argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
            )
            commands[name] = stack.enter_context(command)
            stack.callback(command.kill)
        for command in commands.values():
            until(lambda each=command: each.poll() is not None or is_idle(each.pid), "a command to wait", limit=60)
        yield commands


def is_idle(pid: int) -> bool:
    """Whether a process has become Python, and its main thread has not run for a second."""

    def ticks() -> list[str]:
        return Path(f"/proc/{pid}/task/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]

    before = ticks()
    time.sleep(1)
    return "builder" in Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:3] and ticks() == before


def test_ctrl_c_ends_every_command_within_a_second(waiting: dict[str, subprocess.Popen[str]], tmp_path: Path) -> None:
    running = {name: command for name, command in waiting.items() if command.poll() is None}
    assert set(running) >= set(waiting) - {"doctor"}, {
        name: command.communicate()[0] for name, command in waiting.items() if name not in running
    }
    endings = {name: Ending.of(command) for name, command in running.items()}
    assert {ending.code for ending in endings.values()} == {Exit.INTERRUPTED}, endings
    assert not [ending for ending in endings.values() if "Traceback" in ending.output]
    assert list((tmp_path / "tmp").iterdir()) == []
    # A second on an idle machine; without the interrupt, the fastest of them waits for 30 s.
    assert max(ending.seconds for ending in endings.values()) < 4, endings


@dataclass(frozen=True)
class Ending:
    """How a command ended after an interrupt, and how many seconds later."""

    seconds: float
    code: int
    output: str

    @classmethod
    def of(cls, command: subprocess.Popen[str]) -> Ending:
        """Interrupt a command."""
        began = time.monotonic()
        command.send_signal(signal.SIGINT)
        code = command.wait(timeout=20)
        return cls(time.monotonic() - began, code, command.communicate()[0])
