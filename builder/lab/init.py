"""The first process of a lab's PID namespace: it records its own process id in a file, then only reaps children.

Run as a file, not as a module (`python -I init.py RECORD`), because it needs nothing but the standard library. When it
ends, the kernel ends every other process of the namespace (pid_namespaces(7)), and the network namespace goes with the
last of them. Writing RECORD comes first, so `lab down` finds every lab that runs.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

START_TIME_FIELD = 22
"""Field of /proc/PID/stat: start time in clock ticks since boot (proc(5))."""


def start_time(stat: str) -> int:
    """Return the start time in the text of /proc/PID/stat; the name in field 2 may contain spaces and parentheses."""
    after_name = stat.rpartition(")")[2].split()
    return int(after_name[START_TIME_FIELD - 3])


def write_record(record: Path) -> None:
    """Write our process id and start time to `record` atomically; raises FileExistsError if there is a record already.

    /proc is still the host's, so it shows our id as the host sees it.
    """
    own = {"pid": int(Path("/proc/self").readlink().name), "started": start_time(Path("/proc/self/stat").read_text())}
    aside = record.with_name(f".{record.name}.{own['pid']}")
    aside.write_text(json.dumps(own))
    try:
        os.link(aside, record)
    finally:
        aside.unlink()


def reap() -> None:
    """Reap every child that ends, forever."""
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
    write_record(Path(sys.argv[1]))
    reap()
