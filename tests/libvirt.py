"""A real libvirtd with its QEMU driver, in separate namespaces, which ends with the tests."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from builder.core.run import contain, start_process
from builder.deploy.libvirt import binding

SCRIPT = Path(__file__).with_name("libvirtd.sh")
SECONDS = 60


@dataclass(frozen=True)
class Libvirtd:
    """A running libvirtd with a storage pool `default` and an isolated bridge `br0`."""

    uri: str
    folder: Path
    pid: int

    def inside(self, *words: str | Path) -> list[str]:
        """Return the command line that runs this command in libvirtd's network namespace."""
        return ["nsenter", "--target", str(self.pid), "--net", "--", *map(str, words)]


@contextmanager
def hypervisor() -> Iterator[Libvirtd]:
    """Start a libvirtd; it and everything it runs end with the context."""
    with tempfile.TemporaryDirectory(prefix="vipforge-libvirt-") as name:  # the path of a socket must be short
        folder = Path(name)
        pid = start_process(contain(["sh", SCRIPT, folder], network=False), log=folder / "log")
        try:
            uri = f"qemu:///system?socket={folder}/libvirt-sock"
            _make_pool(_connected(uri, folder / "log"), folder / "pool")
            yield Libvirtd(uri, folder, pid)
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _connected(uri: str, log: Path) -> Any:
    end = time.monotonic() + SECONDS
    while True:
        try:
            return binding().open(uri)
        except binding().libvirtError as error:
            if time.monotonic() > end:
                pytest.fail(f"libvirtd does not answer: {error}\n{log.read_text()}")
            time.sleep(0.2)


def _make_pool(connection: Any, folder: Path) -> None:
    folder.mkdir()
    xml = f"<pool type='dir'><name>default</name><target><path>{folder}</path></target></pool>"
    connection.storagePoolCreateXML(xml, 0)
    connection.close()
