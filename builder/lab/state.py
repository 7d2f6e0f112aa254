"""A running lab: the process that keeps its namespaces, where its files lie, and its locks."""

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
START_SECONDS = 20
END_SECONDS = 30
TUN = Path("/dev/net/tun")


@dataclass(frozen=True)
class NamespaceKeeper:
    """A keeper by its process id, and by its start time, as ids are used again (clock ticks since boot)."""

    pid: int
    started: int

    def alive(self) -> bool:
        """Whether this very process still runs."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False
        zombie = stat.rpartition(")")[2].split()[0] == "Z"
        return not zombie and init.started(stat) == self.started

    def inside(self) -> list[str]:
        """The words before a command that belongs to the lab: it ends with the lab."""
        return self._enter("--net", "--pid")

    def client(self) -> list[str]:
        """The words before a command that uses the lab's network and is ours otherwise."""
        return self._enter("--net")

    def attended(self) -> list[str]:
        """As `client`, for a command that must not outlive us, whatever happens to us."""
        # Set after nsenter: entering a user namespace clears it (prctl(2), PR_SET_PDEATHSIG).
        return [*self.client(), "setpriv", "--pdeathsig", "KILL", "--"]

    def end(self) -> None:
        """End the lab: returns when its last process is gone; raises TimedOut after 30 s."""
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(self.pid)
            try:
                # Looked at again with the handle open: from here on the id cannot become another process.
                if self.alive():
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
                    until(lambda: _ended(handle), f"process {self.pid} to end", limit=END_SECONDS)
            finally:
                os.close(handle)

    def _enter(self, *namespaces: str) -> list[str]:
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        return ["nsenter", "--target", str(self.pid), *user, *namespaces, "--"]


def begin_namespaces(folder: Path) -> NamespaceKeeper:
    """Start a holder that notes itself in `folder`; raises HostLacks where this host does not allow it."""
    unshare = _unshare()
    check_host(unshare)
    # --kill-child: whoever kills unshare kills the lab, too.
    words: Argv = [*unshare, "--kill-child", "--", sys.executable, "-I", init.__file__, folder / RECORD]
    return launch(words, lambda: find_keeper(folder), "the lab's first process", log=folder / LOG, limit=START_SECONDS)


def find_keeper(folder: Path) -> NamespaceKeeper | None:
    """The holder that `folder` has a note of, if it still runs.

    Notes are written whole, so only a power cut can spoil one, and no lab lives through that.
    """
    try:
        noted = json.loads((folder / RECORD).read_text())
        holder = NamespaceKeeper(int(noted["pid"]), int(noted["started"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return holder if holder.alive() else None


def check_host(unshare: list[str]) -> None:
    """Raise HostLacks unless namespaces and network taps can be made here."""
    need("nsenter", "util-linux")
    try:
        run([*unshare, "--", "true"], timeout=START_SECONDS)
    except CommandFailed as refused:
        raise HostLacks(f"this host allows no namespaces: {' '.join(refused.tail)}", hint=_namespace_hint()) from None
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
        return "run on a host, or in a container that has CAP_SYS_ADMIN"
    return (
        "run as root, or allow user namespaces: sysctl kernel.unprivileged_userns_clone=1,"
        " and on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0"
    )


def _ended(handle: int) -> bool:
    # A pidfd becomes readable when its process has ended (pidfd_open(2)).
    return bool(select.select([handle], [], [], 0)[0])


LOCK_SECONDS = 120
COMPLETE = "complete"
"""A file that is there once every machine has been started; a lab without it was killed while it started."""


@dataclass(frozen=True)
class Lab:
    """A running lab: the cluster's nodes, farm and client on this host."""

    cluster: Cluster
    keeper: NamespaceKeeper

    @property
    def folder(self) -> Path:
        """All files of the lab; they go with it."""
        return folder(self.cluster)

    @property
    def complete(self) -> bool:
        """Whether all of it has been started."""
        return (self.folder / COMPLETE).exists()


def folder(cluster: Cluster) -> Path:
    """Where the files of the cluster's lab lie."""
    return paths.state("labs", cluster.cluster)


def node_folder(cluster: Cluster, node: Node) -> Path:
    """Where the files of one node lie: disk, seed, console, monitor."""
    return folder(cluster) / node.name


def find(cluster: Cluster) -> Lab | None:
    """The cluster's lab, if one runs."""
    held = find_keeper(folder(cluster))
    return Lab(cluster, held) if held else None


def running_lab(cluster: Cluster) -> Lab:
    """The cluster's lab; raises UserError if none runs."""
    lab = find(cluster)
    if lab is None:
        raise UserError(f"no lab of {cluster.cluster} runs", hint="start it with `vipforge lab up SPEC`")
    return lab


@contextmanager
def changing() -> Iterator[None]:
    """Start or end a lab while nobody else does. Held for seconds: never while nodes boot."""
    with locked(paths.state("labs", ".lock"), "a lab", timeout=LOCK_SECONDS):
        yield
