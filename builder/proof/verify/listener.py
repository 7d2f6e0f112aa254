"""A program that listens on a node's port for a moment, so that a closed port is the firewall's doing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from builder.proof.verify.running import RunningNode
from builder.spec.model import Cluster

UNIT = "vipforge-verify-listener"
HIGHEST_PORT = 9999
LIFE_SECONDS = 60
START_SECONDS = 20


def free_port(cluster: Cluster) -> int:
    """The highest port up to 9999 that no service has."""
    return next(port for port in range(HIGHEST_PORT, 0, -1) if port not in cluster.ports())


@contextmanager
def listening(node: RunningNode, port: int) -> Iterator[None]:
    """Listen on the node's own address. HAProxy is the one program that every guest has and that listens.

    It is a transient unit that ends by itself, should nobody be left to end it.
    """
    node.host.run_expect([0], "systemd-run --quiet --unit %s /bin/sh -c %s", UNIT, _program(node, port))
    try:
        _wait_until_it_listens(node, port)
        yield
    finally:
        node.host.run_expect([0, 5], "systemctl stop %s", UNIT)  # 5: it has ended already


def _program(node: RunningNode, port: int) -> str:
    times = "timeout connect 1s\\ntimeout client 1s\\ntimeout server 1s"
    config = f"defaults\\nmode tcp\\n{times}\\nlisten verify\\nbind {node.spec.address}:{port}\\n"
    return f"printf '{config}' | timeout {LIFE_SECONDS} haproxy -db -f /dev/stdin; true"


def _wait_until_it_listens(node: RunningNode, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while f"{node.spec.address}:{port} " not in node.host.check_output("ss -ltn"):
        assert time.monotonic() < deadline, f"nothing listens on port {port} after {START_SECONDS} s"
        time.sleep(0.5)
