"""A running node as the checks see it, and a listener that tests its firewall."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from builder.core import remote
from builder.spec.model import Cluster, Node
from builder.verify.suite.answers import Answer, stanzas

if TYPE_CHECKING:
    from testinfra.host import Host

UNIT = "vipforge-verify-listener"
HIGHEST_PORT = 9999
LIFE_SECONDS = 60
START_SECONDS = 20
LISTEN = """\
import socket, time
door = socket.socket()
door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
door.bind(("{address}", {port}))
door.listen(1)
time.sleep({seconds})
"""
"""For Python 2.7 and 3. Not HAProxy, because SELinux lets it read only its own configuration."""
FIND_PYTHON = "command -v python3 || command -v python"
"""Every guest has Python, because cloud-init is written in it."""


@dataclass(frozen=True)
class RunningNode:
    """One node; its commands run as root, over SSH."""

    spec: Node
    _host: Host = field(repr=False)
    answers: dict[str, Answer] = field(repr=False)
    asked: tuple[float, float] = field(repr=False)
    """When the questions were put and when all answers were in, by this host's clock (time.time())."""

    def run(self, text: str, *, expected: Sequence[int] = (0,)) -> str:
        """Run shell code; returns its stdout, and fails the check on an unexpected exit code."""
        done = self._host.run(remote.command(text))
        assert done.rc in expected, f"`{shortened(text, 60)}` ended with code {done.rc}: {one_line(done.stderr)}"
        return str(done.stdout)

    def output(self, question: str) -> str:
        """Return the text of an answer; fails the check if the command failed."""
        answer = self.answers[question]
        assert answer.code == 0, (
            f"`{shortened(answer.command, 60)}` ended with code {answer.code}: {one_line(answer.text)}"
        )
        return answer.text

    def lines(self, question: str) -> list[str]:
        """Return the lines of an answer that are not empty."""
        return [line.strip() for line in self.output(question).splitlines() if line.strip()]

    @cached_property
    def packages(self) -> dict[str, str]:
        """Installed packages, name to version."""
        return dict(line.split(" ", 1) for line in self.lines("packages"))

    @cached_property
    def units(self) -> dict[str, dict[str, str]]:
        """The node's units by name without .service, each with systemd's properties."""
        return {each["Id"].removesuffix(".service"): each for each in stanzas(self.output("units"))}

    @cached_property
    def interface(self) -> str:
        """The interface that has the node's own address."""
        rows = [line.split() for line in self.lines("addresses")]
        names = [words[1] for words in rows if words[3].split("/")[0] == str(self.spec.address)]
        assert names, f"no interface has {self.spec.address}"
        return names[0]


def one_line(text: str, longest: int = 300) -> str:
    """Return a text on one line, for a table."""
    return shortened(" / ".join(line.strip() for line in text.splitlines() if line.strip()), longest)


def shortened(text: str, longest: int) -> str:
    """Return the beginning of a text that is too long for a table."""
    return text if len(text) <= longest else f"{text[:longest]}…"


def some(names: Sequence[str], most: int = 5) -> str:
    """Return the first names of a long list, and the number of the others."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def free_port(cluster: Cluster) -> int:
    """Return the highest port up to 9999 that no service uses."""
    return next(port for port in range(HIGHEST_PORT, 0, -1) if port not in cluster.ports())


@contextmanager
def listening(node: RunningNode, port: int) -> Iterator[None]:
    """Listen on the node's own address, in a transient unit that ends by itself if nothing else ends it."""
    node.run(start_listener(str(node.spec.address), port))
    try:
        _wait_until_it_listens(node, port)
        yield
    finally:
        node.run(f"systemctl stop {UNIT}", expected=(0, 5))  # 5: it has ended already


def start_listener(address: str, port: int) -> str:
    """Return the shell command that starts the listener."""
    program = LISTEN.format(address=address, port=port, seconds=LIFE_SECONDS)
    return f'systemd-run --quiet --unit {UNIT} "$({FIND_PYTHON})" -c {shlex.quote(program)}'


def _wait_until_it_listens(node: RunningNode, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while f"{node.spec.address}:{port} " not in node.run("ss -ltn"):
        assert time.monotonic() < deadline, f"nothing listens on port {port} after {START_SECONDS} s"
        time.sleep(0.5)
