"""A small client of QMP, QEMU's control protocol (QEMU's documentation, "QEMU Machine Protocol")."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from builder.errors import UserError

SECONDS = 10


class QmpError(UserError):
    """QEMU does not answer, or refuses a command."""


class QmpGone(QmpError):
    """There is no QEMU at the other end."""


class Qmp:
    """Commands to one running QEMU."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def execute(self, command: str, **arguments: str | bool) -> dict[str, Any]:
        """One command; returns what QEMU returns. Events that come in between are passed over."""
        self._stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self._stream.flush()
        while True:
            answer = self.read()
            if "error" in answer:
                raise QmpError(f"QEMU refused {command}: {answer['error'].get('desc', answer['error'])}")
            if "return" in answer:
                result: dict[str, Any] = answer["return"]
                return result

    def read(self) -> dict[str, Any]:
        """The next message."""
        line = self._stream.readline()
        if not line:
            raise QmpGone("QEMU has closed its monitor")
        message: dict[str, Any] = json.loads(line)
        return message

    def state(self) -> str:
        """`running`, `paused`, `shutdown`, … (RunState in QEMU's QMP reference)."""
        return str(self.execute("query-status")["status"])

    def power_button(self) -> None:
        """Ask the guest to shut down, as a press of its power button does."""
        self.execute("system_powerdown")

    def reset(self) -> None:
        """Restart the guest at once, as its reset button does."""
        self.execute("system_reset")

    def pause(self) -> None:
        """Stop the guest's processor: a stun, as a snapshot or a migration causes."""
        self.execute("stop")

    def resume(self) -> None:
        """Let a paused guest go on."""
        self.execute("cont")

    def link(self, *, up: bool, card: str) -> None:
        """Plug the cable of a card in, or pull it out."""
        self.execute("set_link", name=card, up=up)

    def quit(self) -> None:
        """End QEMU at once: a power cut."""
        self.execute("quit")


@contextmanager
def connected(path: Path) -> Iterator[Qmp]:
    """A connection to the monitor at `path`. QEMU serves one at a time, so keep it short.

    Raises QmpGone where no QEMU runs, and QmpError where it does not answer within 10 s.
    """
    try:
        with _connect(path) as connection, connection.makefile("rw", encoding="utf-8") as stream:
            qmp = Qmp(stream)
            qmp.read()
            qmp.execute("qmp_capabilities")
            yield qmp
    except (FileNotFoundError, ConnectionError) as failure:
        raise QmpGone(f"no QEMU runs at {path}: {failure}") from failure
    except OSError as failure:
        raise QmpError(f"no QEMU answers at {path}: {failure}") from failure


def _connect(path: Path) -> socket.socket:
    """Connect by way of the folder's handle: the address of a UNIX socket has 108 bytes at most (unix(7))."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(SECONDS)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        connection.connect(f"/proc/self/fd/{folder}/{path.name}")
    except BaseException:
        connection.close()
        raise
    finally:
        os.close(folder)
    return connection
