"""A pair in network namespaces, and how scenarios break it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NoReturn

from builder.core.errors import UserError
from builder.core.run import need, run
from builder.core.waiting import until
from builder.faults.model import StateChange, VrrpState
from builder.faults.pairs import SECONDS, Daemon, Pair
from builder.faults.pairs.journal import first_version, last_state
from builder.lab import netns

HEALTH_FILES = ("/run/vipforge/haproxy-down", "/run/vipforge/haproxy-silent")
"""Files that keepalived tracks; each contains 0 while HAProxy is healthy."""


class NetnsPair(Pair):
    """A pair whose daemons are processes of this host."""

    how = "netns"
    has_machines = False
    restarts_daemons = False

    def __init__(self, running: netns.NamespacedPair, vip: str | None = None) -> None:
        super().__init__(running.cluster, running.folder, vip)
        self._switch = running.switch
        self._nodes = {node.spec.name: node for node in running.nodes}

    def client_argv(self) -> list[str]:
        """Run it in the switch's namespace, where the clients are as well."""
        return self._switch.attended()

    def shell(self, node: str, script: str) -> str:
        """Run it in the node's namespaces."""
        return self._nodes[node].run("/bin/sh", "-s", stdin=script).out

    def start(self, node: str, daemon: Daemon) -> None:
        """Start it like the node's systemd unit."""
        if not self._nodes[node].pids(daemon):
            self._nodes[node].begin(daemon)

    def stop(self, node: str, daemon: Daemon) -> None:
        """Send SIGTERM."""
        if daemon == "keepalived":
            self.record_state(node, "off")
        self._nodes[node].end(daemon)

    def signal(self, node: str, daemon: Daemon, name: Literal["KILL", "STOP", "CONT"]) -> None:
        """Use kill(1) in the node's PID namespace."""
        if daemon == "keepalived" and name == "KILL":
            self.record_state(node, "off")
        self._nodes[node].signal(daemon, name)

    def state(self, node: str) -> VrrpState:
        """Read it from keepalived's log."""
        each = self._nodes[node]
        healthy = all(each.path(path).read_text().strip() == "0" for path in HEALTH_FILES)
        if healthy and each.pids("haproxy") and each.pids("keepalived"):
            return last_state(self._log(node, "keepalived").read_text(errors="replace"), self.instance.name)
        return "off"

    def machine(self, node: str) -> NoReturn:
        """Raise UserError: nodes in namespaces have no virtual machines."""
        raise UserError(
            f"{node} is not a virtual machine", hint="run the scenarios that require one with `vipforge proof`"
        )

    def unplug(self, node: str) -> None:
        """Take the switch port down, which removes the node's carrier."""
        self._ip("link", "set", self.port(node), "down")

    def plug(self, node: str) -> None:
        """Bring the switch port up."""
        self._ip("link", "set", self.port(node), "up")

    def live_logs(self) -> Mapping[str, Sequence[Path]]:
        """The standard output of the daemons."""
        return {name: [self._log(name, each) for each in ("keepalived", "haproxy", "watch")] for name in self.names}

    def history(self, since: float) -> tuple[list[StateChange], dict[str, str]]:
        """Nothing: the live logs contain everything."""
        del since
        return [], {}

    def versions(self) -> dict[str, str]:
        """The versions of the host's programs and of the nodes' keepalived."""
        node = self._nodes[self.first]
        keepalived = node.run("keepalived", "--version", check=False)
        return {
            "keepalived": first_version(keepalived.out + keepalived.err),
            "haproxy": first_version(node.run("haproxy", "-v").out),
            "kernel": os.uname().release,
        }

    def _log(self, name: str, daemon: str) -> Path:
        return self._nodes[name].folder / f"{daemon}.log"

    def _ip(self, *words: str) -> None:
        run([*self.client_argv(), need("ip", "iproute2"), *words], timeout=SECONDS)


def serving_pair(running: netns.NamespacedPair, vip: str | None = None) -> NetnsPair:
    """Start the daemons of a pair; returns when the first node alone holds the VIP."""
    running.serve()
    pair = NetnsPair(running, vip)
    until(lambda: running.holders(pair.vip) == [pair.first], f"{pair.first} to hold {pair.vip}", limit=SECONDS)
    return pair
