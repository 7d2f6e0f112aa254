"""A running lab: its namespace keeper, its files and its lock.

The namespace keeper is the lab's first process (builder/lab/init.py): the namespaces exist as long as it runs.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from builder.core import paths
from builder.core.errors import HostLacks, UserError
from builder.core.files import locked
from builder.core.run import Argv, CommandFailed, need, run
from builder.core.waiting import launch, until
from builder.lab import init
from builder.spec.model import Cluster, Node

RECORD = "keeper.json"
LOG = "keeper.log"
NODES = "nodes"
"""The folder of the nodes' folders: a node may be called keeper.json."""
START_SECONDS = 20
END_SECONDS = 30
LOCK_SECONDS = 120
TUN = Path("/dev/net/tun")
COMPLETE = "complete"
"""This file exists once every machine has been started; a lab without it was killed while it started."""


@dataclass(frozen=True)
class NamespaceKeeper:
    """A keeper, identified by its process id and its start time (clock ticks since boot), because ids are reused."""

    pid: int
    started: int

    def alive(self) -> bool:
        """Return whether this very process is still running."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False
        zombie = stat.rpartition(")")[2].split()[0] == "Z"
        return not zombie and init.start_time(stat) == self.started

    def inside(self) -> list[str]:
        """Return the argv prefix of a command that belongs to the lab and ends with it."""
        return self._enter("--net", "--pid")

    def client(self) -> list[str]:
        """Return the argv prefix of a command that uses only the lab's network."""
        return self._enter("--net")

    def attended(self) -> list[str]:
        """Return the prefix of `client` for a command that must never outlive this process."""
        # Set after nsenter: entering a user namespace clears it (prctl(2), PR_SET_PDEATHSIG).
        return [*self.client(), "setpriv", "--pdeathsig", "KILL", "--"]

    def end(self) -> None:
        """End the lab; returns when its last process has ended, and raises TimedOut after 30 s."""
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(self.pid)
            try:
                # Checked again with the handle open: from now on the id cannot name another process.
                if self.alive():
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
                    until(lambda: _ended(handle), f"process {self.pid} to end", limit=END_SECONDS)
            finally:
                os.close(handle)

    def _enter(self, *namespaces: str) -> list[str]:
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        return ["nsenter", "--target", str(self.pid), *user, *namespaces, "--"]


def begin_namespaces(folder: Path) -> NamespaceKeeper:
    """Start a namespace keeper whose record is in `folder`; raises HostLacks if this host does not allow it."""
    unshare = _unshare()
    _check_host(unshare)
    # --kill-child: killing unshare kills the lab, too.
    words: Argv = [*unshare, "--kill-child", "--", sys.executable, "-I", init.__file__, folder / RECORD]
    return launch(words, lambda: find_keeper(folder), "the lab's first process", log=folder / LOG, limit=START_SECONDS)


def find_keeper(folder: Path) -> NamespaceKeeper | None:
    """Return the namespace keeper recorded in `folder`, if it is still running.

    Records are written atomically, so only a power cut can corrupt one, and no lab survives a power cut.
    """
    try:
        record = json.loads((folder / RECORD).read_text())
        keeper = NamespaceKeeper(int(record["pid"]), int(record["started"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return keeper if keeper.alive() else None


def _check_host(unshare: list[str]) -> None:
    """Raise HostLacks unless namespaces and network taps can be created here."""
    need("nsenter", "util-linux")
    try:
        run([*unshare, "--", "true"], timeout=START_SECONDS)
    except CommandFailed as refusal:
        reason = " ".join(refusal.tail)
        raise HostLacks(f"this host does not allow namespaces: {reason}", hint=_namespace_hint()) from None
    if not os.access(TUN, os.R_OK | os.W_OK):
        missing = "cannot be opened" if TUN.exists() else "is missing"
        raise HostLacks(
            f"{TUN} {missing}, and the nodes' network cards need it",
            hint=f"run `modprobe tun`, then `chmod 0666 {TUN}` (Debian's own mode), or run as root",
        )


def _unshare() -> list[str]:
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return [need("unshare", "util-linux"), *user, "--net", "--pid", "--fork"]


def _namespace_hint() -> str:
    if os.geteuid() == 0:
        return "run on a host, or in a container with CAP_SYS_ADMIN"
    return (
        "run as root, or allow user namespaces: sysctl kernel.unprivileged_userns_clone=1,"
        " and on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0"
    )


def _ended(handle: int) -> bool:
    # A pidfd becomes readable when its process has ended (pidfd_open(2)).
    return bool(select.select([handle], [], [], 0)[0])


@dataclass(frozen=True)
class Lab:
    """A running lab: the cluster's nodes, stub servers and client on this host."""

    cluster: Cluster
    keeper: NamespaceKeeper

    @property
    def folder(self) -> Path:
        """The folder of all the lab's files, which are removed with it."""
        return folder(self.cluster)

    @property
    def complete(self) -> bool:
        """Whether everything has been started."""
        return (self.folder / COMPLETE).exists()


def folder(cluster: Cluster) -> Path:
    """Return the folder of the cluster's lab."""
    return paths.state("labs", cluster.cluster)


def node_folder(cluster: Cluster, node: Node) -> Path:
    """Return the folder of one node's files: disk, seed, console, monitor."""
    return folder(cluster) / NODES / node.name


def find(cluster: Cluster) -> Lab | None:
    """Return the cluster's lab, if one is running."""
    keeper = find_keeper(folder(cluster))
    return Lab(cluster, keeper) if keeper else None


def running_lab(cluster: Cluster) -> Lab:
    """Return the cluster's lab; raises UserError if none is running."""
    lab = find(cluster)
    if lab is None:
        raise UserError(f"no lab of {cluster.cluster} is running", hint="start it with `vipforge lab up SPEC`")
    return lab


@contextmanager
def changing() -> Iterator[None]:
    """Lock out other starts and ends of labs. The lock is kept for seconds, never while nodes boot."""
    with locked(paths.state("labs", ".lock"), "a lab", timeout=LOCK_SECONDS):
        yield
