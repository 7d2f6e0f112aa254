"""haproxy-watch during a reload: the old worker can end, and the new one is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from builder.core.waiting import launch, until
from builder.lab.netns import NetnsNode

pytestmark = pytest.mark.integration

SECONDS = 10
SOON = 4
"""Seconds: in `standard`, the watch asks every 0.5 s and opens a new connection after two requests."""


@pytest.fixture
def node(start_pair: Callable) -> Iterator[NetnsNode]:
    """A node whose HAProxy has a master process that starts a new worker at a reload."""
    with start_pair("standard") as pair:
        node = pair.nodes[0]
        node.identify()
        argv = node.inside("haproxy", "-W", "-n", "2000", "-p", "/run/main", "-f", "/etc/haproxy/haproxy.cfg")
        log = node.folder / "haproxy.log"
        launch(argv, node.path("/run/haproxy/admin.sock").exists, "haproxy", log=log, limit=SECONDS)
        node.watch()
        until(lambda: watched_workers(node), "the watch to ask HAProxy", limit=SECONDS)
        yield node


def watched_workers(node: NetnsNode) -> set[str]:
    """Return the process ids of the workers to which the watch is connected."""
    lines = node.run("ss", "-Htnp", "state", "established", "sport", "=", ":1936").out.splitlines()
    return {line.split("pid=")[1].split(",")[0] for line in lines if "pid=" in line}


def workers(node: NetnsNode) -> set[str]:
    return set(node.run("pgrep", "-P", node.path("/run/main").read_text().strip(), check=False).out.split())


def test_the_watch_does_not_keep_the_old_worker_alive(node: NetnsNode) -> None:
    """systemd waits for every process of the unit, so stopping it after a reload would wait for the old worker."""
    (old,) = workers(node)
    node.run("kill", "-USR2", node.path("/run/main").read_text().strip())
    until(lambda: workers(node) - {old}, "the new worker", limit=SECONDS)
    until(lambda: old not in workers(node), "the old worker to end", limit=SOON)
    until(lambda: watched_workers(node) & workers(node), "the watch to ask the new worker", limit=SOON)
