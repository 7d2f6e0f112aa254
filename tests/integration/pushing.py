"""A node in namespaces that files are pushed to, with a real HAProxy; systemd and firewalld are fake."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from builder.core.run import Completed, run
from builder.core.waiting import launch
from builder.guests import GuestFile, all_guests
from builder.lab.netns import NetnsNode
from builder.render import appliance, payload
from tests.specs import quickstart

FACTS = all_guests()["debian12"]
SERVERS = [{"name": "m", "address": "192.168.56.21", "port": 8080}]
CONFIGURATION = "/etc/haproxy/haproxy.cfg"
SYSTEMCTL = """#!/bin/sh
main=$(cat /run/main)
case $* in
    show*) echo "MainPID=$main"; exit ;;
    reload*) [ -e /run/fail-reload ] || kill -USR2 "$main" ;;
esac
echo "systemctl $*" >>/run/calls
[ "$*" != 'reload haproxy' ] || [ ! -e /run/fail-reload ]
"""
FIREWALL = """#!/bin/sh
echo "firewall-cmd $*" >>/run/calls
[ ! -e /run/fail-firewall ]
"""
PEERS = "/usr/share/vipforge/peers.cfg"
ZONE = "/etc/firewalld/zones/vipforge.xml"
SECONDS = 10
PUSH_SECONDS = 90
"""A push waits 20 s for a new HAProxy process, and for another one if it restores the old files."""


@contextmanager
def pushed_node(start_pair: Callable) -> Iterator[NetnsNode]:
    """A node with its identity, on which HAProxy runs."""
    with start_pair("standard") as pair:
        node = pair.nodes[0]
        node.identify()
        for name, text in (("systemctl", SYSTEMCTL), ("firewall-cmd", FIREWALL)):
            node.run("install", "-m", "0755", "/dev/stdin", f"/usr/local/sbin/{name}", stdin=text)
        peers = ("-f", "/etc/vipforge/peers.cfg", "-L", str(node.spec.address))
        argv = node.inside("haproxy", "-W", "-n", "2000", "-p", "/run/main", "-f", CONFIGURATION, *peers)
        log = node.folder / "haproxy.log"
        launch(argv, node.path("/run/haproxy/admin.sock").exists, "haproxy", log=log, limit=SECONDS)
        yield node


def forget(node: NetnsNode) -> NetnsNode:
    """Forget what the fake programs were called with, and that they are to fail."""
    for name in ("calls", "fail-reload", "fail-firewall"):
        node.path(f"/run/{name}").unlink(missing_ok=True)
    return node


def push(
    node: NetnsNode,
    action: str,
    change: Callable[[str], str] = str,
    path: str = CONFIGURATION,
    *,
    sudo: str = "env",
    others: Mapping[str, str] = MappingProxyType({}),
    **keys: object,
) -> Completed:
    """Push the quickstart with a second service, which has `keys`, the file at `path` changed, and `others`.

    `sudo` runs the program.
    """
    more = {"name": "more", "port": 81, "servers": SERVERS, **keys}
    cluster = quickstart()
    extended = quickstart(services=[*(each.model_dump(mode="json") for each in cluster.services), more])
    files = appliance(extended, FACTS, FACTS.default_keepalived)
    pushed = {each: files[each] for each in (CONFIGURATION, ZONE, "/usr/share/vipforge/keepalived.conf", PEERS)}
    pushed[path] = GuestFile(change(pushed[path].content), 0o644)
    pushed |= {other: GuestFile(content, 0o644) for other, content in others.items()}
    text = base64.encodebytes(payload(pushed)).decode()
    argv = node.inside(*sudo.split(), "/usr/libexec/vipforge/push", action)
    return run(argv, timeout=PUSH_SECONDS, stdin=text, check=False)


def calls(node: NetnsNode) -> list[str]:
    """Return what the fake programs were called with."""
    path = node.path("/run/calls")
    return path.read_text().splitlines() if path.exists() else []
