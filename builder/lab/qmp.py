"""Commands to one running QEMU over QMP, its control protocol, with the QEMU project's own client (`qemu.qmp`)."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from qemu.qmp import ConnectError, ExecInterruptedError, ExecuteError, QMPClient, QMPError

from builder.core.errors import UserError

SECONDS = 10
"""The limit of each answer."""
Result = TypeVar("Result")


class QmpError(UserError):
    """QEMU does not answer, or refuses a command."""


class QmpGone(QmpError):
    """No QEMU is running at the other end."""


class Qmp:
    """Commands to one running QEMU."""

    def __init__(self, runner: asyncio.Runner, client: QMPClient) -> None:
        self._runner = runner
        self._client = client

    def execute(self, command: str, **arguments: str | bool) -> Any:  # noqa: ANN401 - each command has its own
        """Run one command and return what QEMU returns."""
        try:
            return self._runner.run(_limited(self._client.execute(command, arguments)))
        except ExecuteError as refusal:
            raise QmpError(f"QEMU refused {command}: {refusal}") from refusal
        except ExecInterruptedError as failure:
            raise QmpGone(f"QEMU closed its monitor before it answered {command}") from failure
        except TimeoutError as failure:
            raise QmpError(f"QEMU did not answer {command} within {SECONDS} s") from failure

    def state(self) -> str:
        """Return `running`, `paused`, `shutdown`, … (RunState in QEMU's QMP reference)."""
        return str(self.execute("query-status")["status"])

    def reset(self) -> None:
        """Restart the guest at once, as its reset button does."""
        self.execute("system_reset")

    def pause(self) -> None:
        """Stop the guest's processor, as the stun of a snapshot or a migration does."""
        self.execute("stop")

    def resume(self) -> None:
        """Let a paused guest continue."""
        self.execute("cont")

    def link(self, *, up: bool, card: str) -> None:
        """Plug in the cable of a card, or pull it out."""
        self.execute("set_link", name=card, up=up)

    def quit(self) -> None:
        """End QEMU at once: a power cut."""
        self.execute("quit")


@contextmanager
def connected(path: Path) -> Iterator[Qmp]:
    """Connect to the monitor at `path`. QEMU serves one connection at a time, so keep it short.

    Raises QmpGone if no QEMU runs, and QmpError if it does not answer within 10 s.
    """
    with asyncio.Runner() as runner:
        try:
            client = runner.run(_limited(_open(path)))
        except (OSError, ConnectError) as failure:
            raise _unreached(path, failure) from failure
        try:
            yield Qmp(runner, client)
        finally:
            with suppress(QMPError, OSError, EOFError):  # a machine that has ended has closed it already
                runner.run(_limited(client.disconnect()))


async def _limited(answer: Coroutine[Any, Any, Result]) -> Result:
    async with asyncio.timeout(SECONDS):
        return await answer


async def _open(path: Path) -> QMPClient:
    """Connect through the folder's handle, because the address of a UNIX socket has 108 bytes at most (unix(7)).

    asyncio is not used to connect: it reports success even when other clients fill the monitor's queue.
    """
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    client, connection = QMPClient(), socket.socket(socket.AF_UNIX)
    connection.settimeout(SECONDS)
    try:
        connection.connect(f"/proc/self/fd/{folder}/{path.name}")
        await client.connect(connection)
    except BaseException:
        connection.close()
        raise
    finally:
        os.close(folder)
    return client


def _unreached(path: Path, failure: OSError | ConnectError) -> QmpError:
    cause = failure.exc if isinstance(failure, ConnectError) else failure
    if isinstance(cause, FileNotFoundError | ConnectionError | EOFError):
        return QmpGone(f"no QEMU runs at {path}: {str(cause) or 'it closed its monitor'}")
    reason = f"no answer within {SECONDS} s" if isinstance(cause, TimeoutError) else cause
    return QmpError(f"no QEMU answers at {path}: {reason}")
