"""The pair in namespaces, as scenarios break it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NoReturn

from builder.core.errors import UserError
from builder.core.run import need, run
from builder.core.waiting import until
from builder.faults.model import NodeMoment, VrrpState
from builder.faults.pairs import SECONDS, Daemon, Pair
from builder.faults.pairs.journal import first_version, last_state
from builder.lab import netns

WELL = ("/run/vipforge/haproxy-down", "/run/vipforge/haproxy-silent")
"""Files that keepalived tracks: each holds 0 while HAProxy is well."""


class NetnsPair(Pair):
    """The daemons of each node are processes of this host."""

    how = "netns"
    has_machines = False
    restarts = False

    def __init__(self, running: netns.NamespacedPair, vip: str | None = None) -> None:
        super().__init__(running.cluster, running.nodes[0].folder.parent, vip)
        self._switch = running.switch
        self._nodes = {node.spec.name: node for node in running.nodes}

    def client(self) -> list[str]:
        """The switch is the client, too."""
        return self._switch.attended()

    def shell(self, node: str, script: str) -> str:
        """In the node's namespaces."""
        return self._nodes[node].run("/bin/sh", "-s", stdin=script).out

    def begin(self, node: str, daemon: Daemon) -> None:
        """As the node's unit would."""
        if not self._nodes[node].pids(daemon):
            self._nodes[node].begin(daemon)

    def end(self, node: str, daemon: Daemon) -> None:
        """By SIGTERM."""
        if daemon == "keepalived":
            self.note(node, "off")
        self._nodes[node].end(daemon)

    def signal(self, node: str, daemon: Daemon, name: Literal["KILL", "STOP", "CONT"]) -> None:
        """By kill(1) in the node's PID namespace."""
        if daemon == "keepalived" and name == "KILL":
            self.note(node, "off")
        self._nodes[node].signal(daemon, name)

    def state(self, node: str) -> VrrpState:
        """From its keepalived's log."""
        each = self._nodes[node]
        well = all(each.path(path).read_text().strip() == "0" for path in WELL)
        if well and each.pids("haproxy") and each.pids("keepalived"):
            return last_state(self._log(node, "keepalived").read_text(errors="replace"), self.instance.name)
        return "off"

    def machine(self, node: str) -> NoReturn:
        """There is none."""
        raise UserError(f"{node} is no machine here", hint="`vipforge proof` runs the scenarios that need one")

    def cut(self, node: str) -> None:
        """The switch's port goes down, and with it the node's carrier."""
        self._ip("link", "set", self.port(node), "down")

    def plug(self, node: str) -> None:
        """The port comes up again."""
        self._ip("link", "set", self.port(node), "up")

    def live_logs(self) -> Mapping[str, Sequence[Path]]:
        """What the daemons write to their standard output."""
        return {name: [self._log(name, each) for each in ("keepalived", "haproxy", "watch")] for name in self.names}

    def history(self, since: float) -> tuple[list[NodeMoment], dict[str, str]]:
        """Nothing that the live logs do not tell."""
        del since
        return [], {}

    def versions(self) -> dict[str, str]:
        """The host's programs, and the keepalived that the nodes have."""
        node = self._nodes[self.first]
        told = node.run("keepalived", "--version", check=False)
        return {
            "keepalived": first_version(told.out + told.err),
            "haproxy": first_version(node.run("haproxy", "-v").out),
            "kernel": os.uname().release,
        }

    def _log(self, name: str, daemon: str) -> Path:
        return self._nodes[name].folder / f"{daemon}.log"

    def _ip(self, *words: str) -> None:
        run([*self.client(), need("ip", "iproute2"), *words], timeout=SECONDS)


def served(running: netns.NamespacedPair, vip: str | None = None) -> NetnsPair:
    """A pair whose daemons have been started; returns when the first node alone holds the VIP."""
    running.serve()
    made = NetnsPair(running, vip)
    until(lambda: running.holders(made.vip) == [made.first], f"{made.first} to hold {made.vip}", limit=SECONDS)
    return made
