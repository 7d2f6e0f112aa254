"""A simulated vCenter: a few lines of Go around govmomi's simulator, from Debian's packages."""

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
    """The running simulator, and who may log in there."""

    process: subprocess.Popen[str]
    who: Login

    def fail(self, what: str, kind: Literal["deny", "full", "cut"], privilege: str = "") -> None:
        """Let the next call of this method fail, or the next write to `folder` (a datastore) or `nfc` (an import)."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{what} {kind} {privilege}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "armed\n"

    def end(self) -> None:
        """Take it away."""
        self.process.kill()
        self.process.wait()


def compiled(folder: Path) -> Path:
    """The simulator's program."""
    made = folder / "vcenter"
    environment = GO | {"HOME": os.environ["HOME"]}  # its cache there makes later runs quick
    command = ["go", "build", "-o", str(made), *map(str, SOURCES)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return made


@contextmanager
def started(program: Path) -> Iterator[Vcenter]:
    """The simulator with an empty inventory; the first line of its stdout is its address.

    Its datastores are temporary folders, which it does not remove when it is killed.
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
