"""The pair in the VM lab, and how scenarios break it: over SSH, and through the QEMU monitors."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from builder.core import remote
from builder.core.errors import UserError
from builder.core.run import run
from builder.core.waiting import until
from builder.faults.model import StateChange, VrrpState
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
"""An emulated node that also answers the probes may take this long to send its SSH greeting."""
VERSIONS = "keepalived --version 2>&1 | head -n 1; haproxy -v | head -n 1; uname -r"


class VmMachine:
    """The QEMU process of a node."""

    def __init__(self, pair: VmPair, lab: Lab, node: Node, accelerator: Accelerator) -> None:
        self._pair = pair
        self._lab = lab
        self._node = node
        self._accelerator = accelerator
        self._monitor = vm.monitor(lab.cluster, node)

    def cut_power(self) -> None:
        """End QEMU; returns when the process has ended."""
        with qmp.connected(self._monitor) as monitor:
            monitor.quit()
        self._pair.record_state(self._node.name, "off")  # the journal cannot show this
        until(lambda: vm.state(self._lab.cluster, self._node) == "off", f"{self._node.name} to end", limit=END_SECONDS)

    def power_on(self) -> None:
        """Start QEMU again."""
        vm.power_on(self._lab, self._node, self._accelerator)

    def pause(self) -> None:
        """Stop the guest's processors."""
        with qmp.connected(self._monitor) as monitor:
            monitor.pause()
        self._pair.record_state(self._node.name, "off")

    def resume(self) -> None:
        """Continue the guest in its previous state: it does not know that it was paused."""
        self._pair.record_state(self._node.name, "MASTER" if self._node.name == self._pair.first else "BACKUP")
        with qmp.connected(self._monitor) as monitor:
            monitor.resume()

    def reset(self) -> None:
        """Reset the machine."""
        with qmp.connected(self._monitor) as monitor:
            monitor.reset()
        self._pair.record_state(self._node.name, "off")


class VmPair(Pair):
    """A pair of virtual machines, whose systemd restarts daemons as in production."""

    how = "vm"
    has_machines = True
    restarts_daemons = True

    def __init__(self, lab: Lab, accelerator: Accelerator, vip: str | None = None) -> None:
        super().__init__(lab.cluster, lab.folder, vip)
        self._lab = lab
        self._accelerator: Accelerator = accelerator

    def client_argv(self) -> list[str]:
        """Run it in the switch's namespace, where the clients are as well."""
        return self._lab.keeper.attended()

    def shell(self, node: str, script: str) -> str:
        """Run it over SSH with sudo."""
        words = argv(self._lab, self.node(node), [remote.shell(root=True)], connect_seconds=CONNECT_SECONDS)
        return run([*self.client_argv(), *words], stdin=script, timeout=SECONDS).out

    def start(self, node: str, daemon: Daemon) -> None:
        """Use systemd, which may have restarted the daemon already."""
        self.shell(node, f"systemctl start {daemon}.service")

    def stop(self, node: str, daemon: Daemon) -> None:
        """Use systemd, which does not restart the daemon afterwards."""
        self.shell(node, f"systemctl stop {daemon}.service")

    def signal(self, node: str, daemon: Daemon, name: Literal["KILL", "STOP", "CONT"]) -> None:
        """Signal every process of the unit; it may have none if it has just ended."""
        self.shell(node, f"systemctl kill --signal={name} {daemon}.service || true")

    def state(self, node: str) -> VrrpState:
        """Read it from the lab's status of the node."""
        status = node_state(self._lab, self.node(node))
        return STATES.get(status.instances.get(self.instance.name, ""), "off") if status.serves else "off"

    def machine(self, node: str) -> VmMachine:
        """The node's QEMU process."""
        return VmMachine(self, self._lab, self.node(node), self._accelerator)

    def unplug(self, node: str) -> None:
        """Remove the network card's carrier."""
        self._link(node, up=False)

    def plug(self, node: str) -> None:
        """Restore the network card's carrier."""
        self._link(node, up=True)

    def live_logs(self) -> Mapping[str, Sequence[Path]]:
        """Nothing: the journals are on the nodes."""
        return {}

    def history(self, since: float) -> tuple[list[StateChange], dict[str, str]]:
        """Read the journal of each reachable node."""
        changes: list[StateChange] = []
        logs: dict[str, str] = {}
        for name in self.names:
            try:
                output = self.shell(name, journal.SCRIPT)
            except UserError as failure:  # the node is down or too slow
                logs[name] = f"journal unavailable: {failure.message}"
                continue
            lines = [line for line in journal.read_journal(output, time.monotonic()) if line.at >= since]
            changes += journal.state_changes(name, lines, self.instance.name)
            logs[name] = journal.journal_text(lines, since)
        return changes, logs

    def versions(self) -> dict[str, str]:
        """The versions on the first node, and its accelerator."""
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
