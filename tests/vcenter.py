"""A simulated vCenter: govmomi's simulator from Debian's packages, in a small Go program."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from builder.deploy.vsphere.session import Login

SOURCES = sorted((Path(__file__).parent / "integration" / "deploy" / "vcenter").glob("*.go"))
GO = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "PATH": "/usr/bin:/bin"}
BUILD_SECONDS = 600
USER, PASSWORD = "deployer", "planted-7f3c-secret"


@dataclass(frozen=True)
class Vcenter:
    """A running simulator, and the login that it accepts."""

    process: subprocess.Popen[str]
    login: Login

    def fail(self, what: str, kind: Literal["deny", "full", "cut"], privilege: str = "") -> None:
        """Make the next call of this method fail, or the next write to a datastore (`folder`) or import (`nfc`)."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{what} {kind} {privilege}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "armed\n"

    def end(self) -> None:
        """Kill the simulator."""
        self.process.kill()
        self.process.wait()


def build_simulator(folder: Path) -> Path:
    """Compile the simulator and return the path of its program."""
    program = folder / "vcenter"
    environment = GO | {"HOME": os.environ["HOME"]}  # Go's build cache there speeds up later runs
    command = ["go", "build", "-o", str(program), *map(str, SOURCES)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return program


@contextmanager
def start_simulator(program: Path) -> Iterator[Vcenter]:
    """Run the simulator with an empty inventory; the first line of its stdout is its address.

    Its datastores are temporary folders, which it does not remove when it is killed, so they get their own folder.
    """
    with tempfile.TemporaryDirectory() as datastores:
        process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={"VCENTER_PASSWORD": PASSWORD, "TMPDIR": datastores},
        )  # fmt: skip
        assert process.stdout
        running = Vcenter(process, Login(process.stdout.readline().strip(), USER, PASSWORD, insecure=True))
        try:
            yield running
        finally:
            running.end()
