"""The pair of the VM lab, as scenarios break it: over SSH on the nodes, and by the monitors of their machines."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from builder.core import remote
from builder.core.errors import UserError
from builder.core.run import run
from builder.core.waiting import until
from builder.faults.model import NodeMoment, VrrpState
from builder.faults.pairs import SECONDS, Daemon, Pair, journal
from builder.faults.pairs.journal import STATES, first_version
from builder.host.qemu import Accelerator
from builder.lab import qmp, vm
from builder.lab.ssh import argv
from builder.lab.state import Lab
from builder.lab.status import node_state
from builder.spec.model import Node

END_SECONDS = 30
CONNECT_SECONDS = 30
"""An emulated node that answers the probes besides may need that long to greet."""
VERSIONS = "keepalived --version 2>&1 | head -n 1; haproxy -v | head -n 1; uname -r"


class VmMachine:
    """A node's QEMU."""

    def __init__(self, pair: VmPair, lab: Lab, node: Node, accelerator: Accelerator) -> None:
        self._pair = pair
        self._lab = lab
        self._node = node
        self._accelerator = accelerator
        self._monitor = vm.monitor(lab.cluster, node)

    def cut_power(self) -> None:
        """End QEMU; returns when it is gone."""
        with qmp.connected(self._monitor) as monitor:
            monitor.quit()
        self._pair.note(self._node.name, "off")  # no journal will tell
        until(lambda: vm.state(self._lab.cluster, self._node) == "off", f"{self._node.name} to end", limit=END_SECONDS)

    def power_on(self) -> None:
        """Start QEMU again."""
        vm.power_on(self._lab, self._node, self._accelerator)

    def pause(self) -> None:
        """Stop the processor."""
        with qmp.connected(self._monitor) as monitor:
            monitor.pause()
        self._pair.note(self._node.name, "off")

    def resume(self) -> None:
        """Let it go on, as what it was: it does not know that it stood still."""
        self._pair.note(self._node.name, "MASTER" if self._node.name == self._pair.first else "BACKUP")
        with qmp.connected(self._monitor) as monitor:
            monitor.resume()

    def reset(self) -> None:
        """Press the reset button."""
        with qmp.connected(self._monitor) as monitor:
            monitor.reset()
        self._pair.note(self._node.name, "off")


class VmPair(Pair):
    """The service manager of each node restarts what ends, as in production."""

    how = "vm"
    has_machines = True
    restarts = True

    def __init__(self, lab: Lab, accelerator: Accelerator, vip: str | None = None) -> None:
        super().__init__(lab.cluster, lab.folder, vip)
        self._lab = lab
        self._accelerator: Accelerator = accelerator

    def client(self) -> list[str]:
        """The switch is the client, too."""
        return self._lab.keeper.attended()

    def shell(self, node: str, script: str) -> str:
        """Over SSH, with sudo."""
        words = argv(self._lab, self.node(node), [remote.shell(root=True)], connect_seconds=CONNECT_SECONDS)
        return run([*self.client(), *words], stdin=script, timeout=SECONDS).out

    def begin(self, node: str, daemon: Daemon) -> None:
        """By systemd, which may have done so already."""
        self.shell(node, f"systemctl start {daemon}.service")

    def end(self, node: str, daemon: Daemon) -> None:
        """By systemd, which then leaves it ended."""
        self.shell(node, f"systemctl stop {daemon}.service")

    def signal(self, node: str, daemon: Daemon, name: Literal["KILL", "STOP", "CONT"]) -> None:
        """To every process of the unit; none may be left of one that has just ended."""
        self.shell(node, f"systemctl kill --signal={name} {daemon}.service || true")

    def state(self, node: str) -> VrrpState:
        """As the lab's survey has it."""
        seen = node_state(self._lab, self.node(node))
        return STATES.get(seen.instances.get(self.instance.name, ""), "off") if seen.serves else "off"

    def machine(self, node: str) -> VmMachine:
        """Its QEMU."""
        return VmMachine(self, self._lab, self.node(node), self._accelerator)

    def cut(self, node: str) -> None:
        """The card loses its carrier."""
        self._link(node, up=False)

    def plug(self, node: str) -> None:
        """The card gets it back."""
        self._link(node, up=True)

    def live_logs(self) -> Mapping[str, Sequence[Path]]:
        """None: the journals are on the nodes."""
        return {}

    def history(self, since: float) -> tuple[list[NodeMoment], dict[str, str]]:
        """From the journal of each node that can be reached."""
        moments: list[NodeMoment] = []
        logs: dict[str, str] = {}
        for name in self.names:
            try:
                told = self.shell(name, journal.SCRIPT)
            except UserError as failure:  # it is down, or too slow
                logs[name] = f"not reached: {failure.message}"
                continue
            lines = [line for line in journal.read_journal(told, time.monotonic()) if line.at >= since]
            moments += journal.moments(name, lines, self.instance.name)
            logs[name] = journal.journal_text(lines, since)
        return moments, logs

    def versions(self) -> dict[str, str]:
        """What the first node runs, and on what."""
        keepalived, haproxy, kernel = self.shell(self.first, VERSIONS).splitlines()
        return {
            "keepalived": first_version(keepalived),
            "haproxy": first_version(haproxy),
            "kernel": kernel,
            "accelerator": self._accelerator,
        }

    def _link(self, node: str, *, up: bool) -> None:
        with qmp.connected(vm.monitor(self._lab.cluster, self.node(node))) as monitor:
            monitor.link(up=up, card=vm.CARD)
