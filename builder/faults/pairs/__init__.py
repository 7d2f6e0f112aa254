"""The pair that a scenario breaks: the operations that machines and namespaces offer alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from time import monotonic
from typing import Literal, Protocol

from builder.core.run import need, run
from builder.faults.model import How, NodeMoment, VrrpState
from builder.lab import network, stubs
from builder.nodes.status import HAND_OVER
from builder.spec.model import Cluster, Node
from builder.spec.values import IpAddress


class Machine(Protocol):
    """One node's machine."""

    def cut_power(self) -> None:
        """End it at once."""

    def power_on(self) -> None:
        """Start it again; returns when it runs, not when it has booted."""

    def pause(self) -> None:
        """Stop its processor, as a snapshot or a migration does."""

    def resume(self) -> None:
        """Let it go on."""

    def reset(self) -> None:
        """Restart it at once."""


Daemon = Literal["haproxy", "keepalived"]

SECONDS = 60
NOWHERE = "02:00:00:00:00:01"
"""A hardware address that nobody has."""

BURDEN = """\
head -n 1 /proc/stat >/run/vipforge/burden
{{
    for _ in $(seq "$(nproc)"); do timeout {seconds} sh -c 'while :; do :; done' & done
    wait
    head -n 1 /proc/stat >>/run/vipforge/burden
}} >/dev/null 2>&1 </dev/null &
"""
"""Counted on the node: a connection to it takes longer than usual while it is busy, and would count idle time."""
BURDENED = """\
until [ "$(wc -l </run/vipforge/burden)" -ge 2 ]; do sleep 0.1; done
cat /run/vipforge/burden
"""


class Pair(ABC):
    """A running pair. Nodes are named by their full names. Every action returns when it has been done."""

    how: How
    has_machines: bool
    restarts: bool
    """Whether a service manager starts again what was killed."""

    def __init__(self, cluster: Cluster, folder: Path, vip: str | None = None) -> None:
        self.cluster = cluster
        self.folder = folder
        """Of the lab, on the host."""
        self.vip = vip or str(cluster.vrrp.vips[0])
        """The VIP that is looked at; all of its instance move together."""
        self.instance = cluster.vrrp.instance_of(ip_address(self.vip))
        """The VRRP instance that moves it."""
        self.names = tuple(node.name for node in cluster.ranking(self.instance))
        self.first = self.names[0]
        """The node that holds the VIPs before a fault: with pre-emption the one of the highest priority."""
        self.moments: list[NodeMoment] = []
        """What is known to have happened to nodes because it was done to them, by CLOCK_MONOTONIC."""

    @property
    def second(self) -> str:
        """The node that takes the VIPs next."""
        return next(name for name in self.names if name != self.first)

    @abstractmethod
    def client(self) -> list[str]:
        """The words before a command that runs where the clients are, and that does not outlive us."""

    @abstractmethod
    def shell(self, node: str, script: str) -> str:
        """Run a POSIX sh script on a node as root; returns what it wrote."""

    @abstractmethod
    def begin(self, node: str, daemon: Daemon) -> None:
        """Start a daemon; nothing happens where it runs."""

    @abstractmethod
    def end(self, node: str, daemon: Daemon) -> None:
        """Stop a daemon in order."""

    @abstractmethod
    def signal(self, node: str, daemon: Daemon, name: Literal["KILL", "STOP", "CONT"]) -> None:
        """Send a signal to all processes of a daemon at once."""

    @abstractmethod
    def state(self, node: str) -> VrrpState:
        """A node's VRRP state now; `off` where not all runs that should."""

    @abstractmethod
    def machine(self, node: str) -> Machine:
        """Its machine; raises UserError where it has none."""

    @abstractmethod
    def cut(self, node: str) -> None:
        """Pull its cable out."""

    @abstractmethod
    def plug(self, node: str) -> None:
        """Plug its cable in."""

    @abstractmethod
    def live_logs(self) -> Mapping[str, Sequence[Path]]:
        """Files of the host that grow with what a node's daemons say; none where they are on the node."""

    @abstractmethod
    def history(self, since: float) -> tuple[list[NodeMoment], dict[str, str]]:
        """States and log of each node from a moment on, for those that have no live log. CLOCK_MONOTONIC."""

    @abstractmethod
    def versions(self) -> dict[str, str]:
        """What was tested: program to version."""

    def node(self, name: str) -> Node:
        """A node's part of the spec."""
        return next(node for node in self.cluster.nodes if node.name == name)

    def port(self, name: str) -> str:
        """The port of the switch that a node is plugged into."""
        return network.tap(self.cluster, self.node(name))

    def note(self, node: str, state: VrrpState) -> None:
        """Keep that a state has begun now."""
        self.moments.append(NodeMoment(monotonic(), node, state))

    def part(self, *, parted: bool) -> None:
        """Let nothing pass from node to node, while clients reach all of them; or let it pass again."""
        for name in self.names:
            self.bridge("link", "set", "dev", self.port(name), "isolated", "on" if parted else "off")

    def deafen(self, speaker: str, *, deaf: bool) -> None:
        """Let nobody hear what one node says to the others by VRRP, while it hears them; or let it be heard again."""
        others = [name for name in self.names if name != speaker]
        for name in others:  # multicast, as the classic profile sends it
            self.bridge("link", "set", "dev", self.port(name), "mcast_flood", "off" if deaf else "on")
        for address in self._addresses(others):  # unicast
            change = f"replace {address} lladdr {NOWHERE} nud permanent" if deaf else f"delete {address}"
            device = f"$(ip -o route get {address} | sed 's/.* dev \\([^ ]*\\).*/\\1/')"
            self.shell(speaker, f"ip neighbour {change} dev {device}")

    def _addresses(self, names: list[str]) -> list[IpAddress]:
        nodes = [self.node(name) for name in names]
        return [address for node in nodes for address in (node.address, node.address6) if address]

    def hand_over(self, node: str, way: Literal["away", "back"]) -> None:
        """Hand the VIPs over as an operator does it."""
        self.shell(node, f"{HAND_OVER} {way}")

    def servers(self, *, well: bool) -> None:
        """Let the servers behind the cluster fail, or serve again."""
        stubs.set_healthy(self.folder, healthy=well)

    def mail(self, fault: stubs.MailFault | None) -> None:
        """Let the SMTP server of the alerts fail, or serve again."""
        stubs.set_mail_fault(self.folder, fault)

    def burden(self, node: str, seconds: float) -> None:
        """Use up all of a node's processors for a while, beginning now, and let its kernel's counts be noted."""
        self.shell(node, BURDEN.format(seconds=f"{seconds:g}"))

    def burdened(self, node: str) -> tuple[str, str]:
        """The first lines of /proc/stat at the begin and the end of the last burden, which is waited for."""
        begun, ended = self.shell(node, BURDENED).splitlines()
        return begun, ended

    def bridge(self, *words: str) -> None:
        """Change the switch."""
        run([*self.client(), need("bridge", "iproute2"), *words], timeout=SECONDS)
