"""A program that listens on a node's port for a moment, so that a closed port is the firewall's doing."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager

from builder.proof.verify.running import RunningNode
from builder.spec.model import Cluster

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
"""For Python 2.7 and 3. Not HAProxy: SELinux lets it read no configuration but its own files."""
FIND_PYTHON = "command -v python3 || command -v python"
"""Every guest has one: cloud-init is written in it."""


def free_port(cluster: Cluster) -> int:
    """The highest port up to 9999 that no service has."""
    return next(port for port in range(HIGHEST_PORT, 0, -1) if port not in cluster.ports())


@contextmanager
def listening(node: RunningNode, port: int) -> Iterator[None]:
    """Listen on the node's own address, in a transient unit that ends by itself should nobody be left to end it."""
    node.run(start(str(node.spec.address), port))
    try:
        _wait_until_it_listens(node, port)
        yield
    finally:
        node.run(f"systemctl stop {UNIT}", expected=(0, 5))  # 5: it has ended already


def start(address: str, port: int) -> str:
    """The shell that starts the listener."""
    program = LISTEN.format(address=address, port=port, seconds=LIFE_SECONDS)
    return f'systemd-run --quiet --unit {UNIT} "$({FIND_PYTHON})" -c {shlex.quote(program)}'


def _wait_until_it_listens(node: RunningNode, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while f"{node.spec.address}:{port} " not in node.run("ss -ltn"):
        assert time.monotonic() < deadline, f"nothing listens on port {port} after {START_SECONDS} s"
        time.sleep(0.5)
