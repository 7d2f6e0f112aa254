"""The first process of a lab's PID namespace: it notes itself in a file, then only reaps children.

Run as a file, not as a module (`python -I init.py RECORD`): it needs nothing but the standard library. When it ends,
the kernel ends every other process of the namespace (pid_namespaces(7)), and with the last of them the network
namespace. The first thing it does is to write RECORD, so there is no moment in which a lab runs that `lab down`
could not find.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

STARTED_FIELD = 22
"""Field of /proc/PID/stat: start time in clock ticks since boot (proc(5))."""


def started(stat: str) -> int:
    """The start time in the text of /proc/PID/stat; the name in field 2 may hold spaces and parentheses."""
    after_name = stat.rpartition(")")[2].split()
    return int(after_name[STARTED_FIELD - 3])


def note(record: Path) -> None:
    """Write our process id and start time to `record`, whole, and only if no other first process has.

    /proc is still the host's, so it shows our id as the host sees it.
    """
    own = {"pid": int(Path("/proc/self").readlink().name), "started": started(Path("/proc/self/stat").read_text())}
    aside = record.with_name(f".{record.name}.{own['pid']}")
    aside.write_text(json.dumps(own))
    try:
        os.link(aside, record)
    finally:
        aside.unlink()


def reap() -> None:
    """Take leave of every child that ends, for ever."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    while True:
        signal.sigwait({signal.SIGCHLD})
        while _reaped_one():
            pass


def _reaped_one() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


if __name__ == "__main__":
    note(Path(sys.argv[1]))
    reap()
