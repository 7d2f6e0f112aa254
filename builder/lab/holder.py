"""The process that a whole lab hangs on, and the two namespaces that it keeps.

A lab is a PID namespace and a network namespace (and, for a user other than root, a user namespace that allows both).
They have no names, so no lab can meet another one, and no bridge or address of the host. Ending the holder is ending
the lab: the kernel kills whatever runs in the PID namespace, and frees the network with it.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from builder.errors import HostLacks
from builder.lab import init
from builder.lab.background import launch
from builder.lab.waiting import until
from builder.run import Argv, CommandFailed, need, run

RECORD = "holder.json"
LOG = "holder.log"
START_SECONDS = 20
END_SECONDS = 30
TUN = Path("/dev/net/tun")


@dataclass(frozen=True)
class Holder:
    """A holder by its process id, and by its start time, as ids are used again (clock ticks since boot)."""

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


def begin(folder: Path) -> Holder:
    """Start a holder that notes itself in `folder`; raises HostLacks where this host does not allow it."""
    unshare = _unshare()
    check_host(unshare)
    # --kill-child: whoever kills unshare kills the lab, too.
    words: Argv = [*unshare, "--kill-child", "--", sys.executable, "-I", init.__file__, folder / RECORD]
    return launch(words, lambda: find(folder), "the lab's first process", log=folder / LOG, limit=START_SECONDS)


def find(folder: Path) -> Holder | None:
    """The holder that `folder` has a note of, if it still runs.

    Notes are written whole, so only a power cut can spoil one, and no lab lives through that.
    """
    try:
        noted = json.loads((folder / RECORD).read_text())
        holder = Holder(int(noted["pid"]), int(noted["started"]))
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
