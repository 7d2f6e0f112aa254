"""The pair's processes, namespaces and files are removed with it, whatever ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.core import paths
from builder.core.files import sweep
from builder.core.waiting import until
from tests.specs import QUICKSTART

pytestmark = pytest.mark.integration

END_SECONDS = 10
PROGRAM = """
import sys, time
from pathlib import Path
from builder.guests import all_guests
from builder.lab.netns import pair
from builder.spec.load import load

facts = all_guests()["debian12"]
with pair(load(Path(sys.argv[1])), facts, facts.default_keepalived, Path(sys.argv[2])) as started:
    started.serve()
    print(started.switch.pid, flush=True)
    time.sleep(60)
"""


def network_of(pid: int) -> str:
    return os.readlink(f"/proc/{pid}/ns/net")


def processes_in(folder: str) -> list[str]:
    """Return the command lines that name a folder, as those of the pair's first processes do."""
    lines = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(line.read_text())
        except OSError:
            continue
    return [line for line in lines if folder in line]


def test_the_end_of_the_context_leaves_nothing(start_pair: Callable) -> None:
    with start_pair("standard") as pair:
        pair.serve()
        folder = pair.folder
        assert processes_in(str(folder))
        assert network_of(pair.switch.pid) != network_of(os.getpid())
    assert processes_in(str(folder)) == []
    assert list(folder.parent.iterdir()) == []


def test_a_killed_program_leaves_no_process_and_the_next_one_removes_its_files(keepalived_build: Path) -> None:
    argv = [sys.executable, "-c", PROGRAM, str(QUICKSTART), str(keepalived_build)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        switch = int(program.stdout.readline())
        program.send_signal(signal.SIGKILL)
    folder = paths.state("netns")
    until(lambda: not Path(f"/proc/{switch}").exists(), "the switch to end", limit=END_SECONDS)
    until(lambda: not processes_in(str(folder)), "the nodes to end", limit=END_SECONDS)
    assert [path for path in folder.iterdir() if path.is_dir()]
    sweep(folder)  # as every pair does when it begins
    assert list(folder.iterdir()) == []
