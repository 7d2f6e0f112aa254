"""The pair that scenarios break: the operations available for virtual machines and for namespaces alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from time import monotonic
from typing import Literal, Protocol

from builder.core.run import need, run
from builder.faults.model import LabKind, StateChange, VrrpState
from builder.lab import network, stubs
from builder.nodes.status import HAND_OVER
from builder.spec.model import Cluster, Node
from builder.spec.values import IpAddress


class Machine(Protocol):
    """The virtual machine of one node."""

    def cut_power(self) -> None:
        """Power the machine off abruptly."""

    def power_on(self) -> None:
        """Start the machine; returns when it runs, before it has booted."""

    def pause(self) -> None:
        """Stop its processors, as a snapshot or a migration does."""

    def resume(self) -> None:
        """Continue after a pause."""

    def reset(self) -> None:
        """Reset the machine abruptly."""


Daemon = Literal["haproxy", "keepalived"]

SECONDS = 60
UNUSED_MAC = "02:00:00:00:00:01"
"""A hardware address that no interface uses."""
LOAD_CPU = """\
head -n 1 /proc/stat >/run/vipforge/burden
{{
    for _ in $(seq "$(nproc)"); do timeout {seconds} sh -c 'while :; do :; done' & done
    wait
    head -n 1 /proc/stat >>/run/vipforge/burden
}} >/dev/null 2>&1 </dev/null &
"""
"""The times are read on the node: connecting to a busy node is slow, and idle time would be counted as well."""
READ_CPU_TIMES = """\
until [ "$(wc -l </run/vipforge/burden)" -ge 2 ]; do sleep 0.1; done
cat /run/vipforge/burden
"""


class Pair(ABC):
    """A running pair. Nodes are identified by their full names. Every method returns when its action is complete."""

    how: LabKind
    has_machines: bool
    restarts_daemons: bool
    """Whether a service manager restarts killed daemons."""

    def __init__(self, cluster: Cluster, folder: Path, vip: str | None = None) -> None:
        self.cluster = cluster
        self.folder = folder
        """The lab's folder on the host."""
        self.vip = vip or str(cluster.vrrp.vips[0])
        """The watched VIP; all VIPs of its instance move together."""
        self.instance = cluster.vrrp.instance_of(ip_address(self.vip))
        """The VRRP instance of the watched VIP."""
        self.names = tuple(node.name for node in cluster.ranking(self.instance))
        self.first = self.names[0]
        """The node that holds the VIPs before a fault; with preemption, the one with the highest priority."""
        self.state_changes: list[StateChange] = []
        """State changes that follow from actions on the pair and appear in no log; times are CLOCK_MONOTONIC."""

    @property
    def second(self) -> str:
        """The node that is next to take the VIPs."""
        return next(name for name in self.names if name != self.first)

    @abstractmethod
    def client_argv(self) -> list[str]:
        """The argv prefix that runs a command where the clients are and kills it when this process ends."""

    @abstractmethod
    def shell(self, node: str, script: str) -> str:
        """Run a POSIX sh script on a node as root; returns its standard output."""

    @abstractmethod
    def start(self, node: str, daemon: Daemon) -> None:
        """Start a daemon unless it is running."""

    @abstractmethod
    def stop(self, node: str, daemon: Daemon) -> None:
        """Stop a daemon cleanly."""

    @abstractmethod
    def signal(self, node: str, daemon: Daemon, name: Literal["KILL", "STOP", "CONT"]) -> None:
        """Send a signal to all processes of a daemon."""

    @abstractmethod
    def state(self, node: str) -> VrrpState:
        """A node's current VRRP state; `off` unless all of its daemons run."""

    @abstractmethod
    def machine(self, node: str) -> Machine:
        """The node's virtual machine; raises UserError if the pair has none."""

    @abstractmethod
    def unplug(self, node: str) -> None:
        """Unplug a node's network cable."""

    @abstractmethod
    def plug(self, node: str) -> None:
        """Plug a node's network cable in."""

    @abstractmethod
    def live_logs(self) -> Mapping[str, Sequence[Path]]:
        """The log files of each node's daemons that are on the host; empty if the logs are on the nodes."""

    @abstractmethod
    def history(self, since: float) -> tuple[list[StateChange], dict[str, str]]:
        """The state changes and the log of each node without live logs since a CLOCK_MONOTONIC time."""

    @abstractmethod
    def versions(self) -> dict[str, str]:
        """The versions of the tested programs, by name."""

    def node(self, name: str) -> Node:
        """A node in the spec."""
        return next(node for node in self.cluster.nodes if node.name == name)

    def port(self, name: str) -> str:
        """The switch port to which a node is connected."""
        return network.tap(self.cluster, self.node(name))

    def record_state(self, node: str, state: VrrpState) -> None:
        """Record that a node has just entered a state."""
        self.state_changes.append(StateChange(monotonic(), node, state))

    def partition(self, *, active: bool) -> None:
        """Block all traffic between the nodes, while clients still reach all of them; or undo this."""
        for name in self.names:
            self.bridge("link", "set", "dev", self.port(name), "isolated", "on" if active else "off")

    def mute_vrrp(self, node: str, *, muted: bool) -> None:
        """Drop a node's VRRP advertisements, while it still receives those of the others; or undo this."""
        others = [name for name in self.names if name != node]
        for name in others:  # multicast, as the classic profile sends it
            self.bridge("link", "set", "dev", self.port(name), "mcast_flood", "off" if muted else "on")
        for address in self._addresses(others):  # unicast
            change = f"replace {address} lladdr {UNUSED_MAC} nud permanent" if muted else f"delete {address}"
            device = f"$(ip -o route get {address} | sed 's/.* dev \\([^ ]*\\).*/\\1/')"
            self.shell(node, f"ip neighbour {change} dev {device}")

    def _addresses(self, names: list[str]) -> list[IpAddress]:
        nodes = [self.node(name) for name in names]
        return [address for node in nodes for address in (node.address, node.address6) if address]

    def hand_over(self, node: str, way: Literal["away", "back"]) -> None:
        """Hand the VIPs over like an operator."""
        self.shell(node, f"{HAND_OVER} {way}")

    def set_servers(self, *, healthy: bool) -> None:
        """Make the servers behind the cluster fail or work."""
        stubs.set_healthy(self.folder, healthy=healthy)

    def set_mail_fault(self, fault: stubs.MailFault | None) -> None:
        """Make the SMTP server for alerts fail, or work if there is no fault."""
        stubs.set_mail_fault(self.folder, fault)

    def load_cpu(self, node: str, seconds: float) -> None:
        """Start to keep all of a node's processors busy for a while, and record the kernel's processor times."""
        self.shell(node, LOAD_CPU.format(seconds=f"{seconds:g}"))

    def cpu_times(self, node: str) -> tuple[str, str]:
        """Wait for the end of the last load; returns the first line of /proc/stat at its start and at its end."""
        before, after = self.shell(node, READ_CPU_TIMES).splitlines()
        return before, after

    def bridge(self, *words: str) -> None:
        """Change the configuration of the switch."""
        run([*self.client_argv(), need("bridge", "iproute2"), *words], timeout=SECONDS)
