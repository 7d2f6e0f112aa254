"""A node in namespaces of its own (network, mounts, host name, processes), with its files at the guest's paths."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from builder.lab.background import launch
from builder.lab.holder import Holder
from builder.lab.waiting import until
from builder.run import Completed, run
from builder.spec.model import Cluster, Node

HERE = Path(__file__).parent
INTERFACE = "eth0"
SECONDS = 30
IDENTITY_SECONDS = 90
"""The identity program itself waits 60 s for the node's address."""

WATCH_UNIT = "/etc/systemd/system/vipforge-watch.service"

Daemon = Literal["haproxy", "keepalived"]


@dataclass(frozen=True)
class NetnsNode:
    """One node. `folder` is the host's, and holds the daemons' logs."""

    cluster: Cluster
    spec: Node
    holder: Holder
    folder: Path

    def inside(self, *argv: str) -> list[str]:
        """The words that run a command on the node."""
        namespaces = ("--net", "--mount", "--uts", "--pid")
        return ["nsenter", "--target", str(self.holder.pid), *namespaces, "--wd=/", "--", *argv]

    def run(self, *argv: str, stdin: str | None = None, check: bool = True) -> Completed:
        """Run a command on the node to its end."""
        return run(self.inside(*argv), timeout=SECONDS, stdin=stdin, check=check)

    def path(self, guest_path: str) -> Path:
        """A file of the node, as the host reaches it."""
        return Path(f"/proc/{self.holder.pid}/root{guest_path}")

    def identify(self) -> None:
        """Run the guest's own identity program; raises CommandFailed where it refuses."""
        run(self.inside("/usr/libexec/vipforge/identity"), timeout=IDENTITY_SECONDS)

    def begin(self, daemon: Daemon) -> None:
        """Start a daemon; returns when it runs, and HAProxy when it serves."""
        ready = self._haproxy_serves if daemon == "haproxy" else lambda: bool(self.pids(daemon))
        words = self.inside("/bin/sh", str(HERE / "service.sh"), daemon)
        launch(words, ready, f"{daemon} of {self.spec.name}", log=self.folder / f"{daemon}.log", limit=SECONDS)

    def watch(self) -> None:
        """Start what asks HAProxy for an answer, where the profile has it."""
        if self.path(WATCH_UNIT).exists():
            words = self.inside("/bin/sh", str(HERE / "service.sh"), "watch")
            launch(words, lambda: True, f"the watch of {self.spec.name}", log=self.folder / "watch.log", limit=SECONDS)

    def signal(self, daemon: Daemon, name: str) -> None:
        """Send a signal, such as `KILL`, to every process of a daemon."""
        # Not checked: a child that keepalived had for a script may be gone by now.
        self.run("kill", f"-{name}", *self.pids(daemon), check=False)

    def end(self, daemon: Daemon) -> None:
        """Stop a daemon in order; returns when it is gone."""
        self.signal(daemon, "TERM")
        until(lambda: not self.pids(daemon), f"{daemon} of {self.spec.name} to end", limit=SECONDS)

    def pids(self, daemon: Daemon) -> list[str]:
        """The daemon's process ids on the node."""
        return self.run("pidof", daemon, check=False).out.split()

    def holds(self, vip: object) -> bool:
        """Whether the VIP is on the node's interface."""
        return bool(self.run("ip", "-o", "address", "show", "to", str(vip)).out.strip())

    def _haproxy_serves(self) -> bool:
        state = self.path("/run/vipforge/haproxy-down")
        return bool(self.pids("haproxy")) and state.exists() and state.read_text().strip() == "0"
