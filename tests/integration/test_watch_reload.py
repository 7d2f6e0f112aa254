"""haproxy-watch across a reload: the old worker may go, and the new one is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from builder.core.waiting import launch, until
from builder.lab.netns import NetnsNode

pytestmark = pytest.mark.integration

SECONDS = 10
SOON = 4
"""Seconds: the watch asks every 0.5 s in `standard`, and starts a new connection after two questions."""


@pytest.fixture
def node(start_pair: Callable) -> Iterator[NetnsNode]:
    """A node whose HAProxy has a master process, which starts a new worker when it reloads."""
    with start_pair("standard") as pair:
        node = pair.nodes[0]
        node.identify()
        words = node.inside("haproxy", "-W", "-n", "2000", "-p", "/run/main", "-f", "/etc/haproxy/haproxy.cfg")
        log = node.folder / "haproxy.log"
        launch(words, node.path("/run/haproxy/admin.sock").exists, "haproxy", log=log, limit=SECONDS)
        node.watch()
        until(lambda: asked(node), "the watch to ask HAProxy", limit=SECONDS)
        yield node


def asked(node: NetnsNode) -> set[str]:
    """The process ids of the workers that the watch has a connection with."""
    lines = node.run("ss", "-Htnp", "state", "established", "sport", "=", ":1936").out.splitlines()
    return {line.split("pid=")[1].split(",")[0] for line in lines if "pid=" in line}


def workers(node: NetnsNode) -> set[str]:
    return set(node.run("pgrep", "-P", node.path("/run/main").read_text().strip(), check=False).out.split())


def test_the_old_worker_is_not_kept_alive_by_the_watch(node: NetnsNode) -> None:
    """systemd waits for every process of the unit, so a stop after a reload took as long as the old worker lived."""
    (old,) = workers(node)
    node.run("kill", "-USR2", node.path("/run/main").read_text().strip())
    until(lambda: workers(node) - {old}, "the new worker", limit=SECONDS)
    until(lambda: old not in workers(node), "the old worker to end", limit=SOON)
    until(lambda: asked(node) & workers(node), "the watch to ask the new worker", limit=SOON)
