"""A session with vCenter, and its errors in words."""

from __future__ import annotations

import os
import ssl
import time
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim, vmodl

from builder.core.errors import TimedOut, UserError

PASSWORD = "VIPFORGE_VSPHERE_PASSWORD"  # noqa: S105 - the variable's name
CONNECT_SECONDS = 30
TASK_SECONDS = 30 * 60
PAUSE_SECONDS = 0.5
RIGHTS = "give it to the user (docs/vsphere.md lists them all) and run the same command again: it goes on from there"
ROOM = "make room on the datastore, or name another, and run the same command again: it goes on from there"
FULL = (vim.fault.NoDiskSpace, vim.fault.InsufficientStorageSpace)


@dataclass(frozen=True)
class Login:
    """Who logs in where; `server` may end in :PORT. The password is kept out of the representation."""

    server: str
    user: str
    password: str = field(repr=False)
    insecure: bool = False

    @property
    def host(self) -> str:
        """The server without its port."""
        return self.server.partition(":")[0]

    @property
    def port(self) -> int:
        """The port of vCenter's API."""
        return int(self.server.partition(":")[2] or 443)

    def trust(self) -> ssl.SSLContext:
        """How vCenter's certificate is checked: by the host's own authorities, or with `insecure` not at all."""
        return ssl._create_unverified_context() if self.insecure else ssl.create_default_context()  # noqa: S323, SLF001


def login(server: str, user: str, *, insecure: bool) -> Login:
    """The login with the password of the environment: options are seen in lists of processes."""
    password = os.environ.get(PASSWORD)
    if not password:
        raise UserError(f"no password for {user}", hint=f"put it into the environment as {PASSWORD}")
    return Login(server, user, password, insecure=insecure)


@contextmanager
def connected(who: Login) -> Iterator[vim.ServiceInstance]:
    """A session until the end of the block; raises UserError where vCenter refuses it or is not there."""
    with translate_errors(who.server):
        service = SmartConnect(
            host=who.host, port=who.port, user=who.user, pwd=who.password, sslContext=who.trust(),
            httpConnectionTimeout=CONNECT_SECONDS,
        )  # fmt: skip
    try:
        yield service
    finally:
        with suppress(vmodl.MethodFault, OSError, HTTPException):  # a session that is lost has ended
            Disconnect(service)


@contextmanager
def translate_errors(where: str) -> Iterator[None]:
    """Turn faults of vCenter and of the connection into a UserError."""
    try:
        yield
    except vim.fault.InvalidLogin:
        raise UserError(f"{where}: user or password is wrong", hint=f"the password is taken from {PASSWORD}") from None
    except vim.fault.NoPermission as refusal:
        raise UserError(f"{where}: the user lacks the privilege {refusal.privilegeId}", hint=RIGHTS) from None
    except vmodl.MethodFault as fault:
        raise UserError(f"{where}: {_words(fault)}", hint=ROOM if isinstance(fault, FULL) else "") from None
    except urllib.error.HTTPError as refusal:
        raise _refused(where, refusal) from None
    except (OSError, HTTPException) as error:
        raise UserError(f"{where}: the connection failed: {error}") from None


def finish(task: Any, where: str) -> Any:  # noqa: ANN401 - pyVmomi makes its types at run time
    """Wait for a task of vCenter and return its result; raises UserError in vCenter's words, or TimedOut."""
    with translate_errors(where):
        return outcome(task)


def outcome(task: Any) -> Any:  # noqa: ANN401
    """The task's result; raises vCenter's own fault, or TimedOut."""
    end = time.monotonic() + TASK_SECONDS
    while (seen := _info(task)).get("info.state") not in (vim.TaskInfo.State.success, vim.TaskInfo.State.error):
        if time.monotonic() > end:
            raise TimedOut(f"vCenter's task {task._GetMoId()} still ran after {TASK_SECONDS} s")  # noqa: SLF001
        time.sleep(PAUSE_SECONDS)
    if seen["info.state"] == vim.TaskInfo.State.error:
        raise seen["info.error"]
    return seen.get("info.result")


def _info(task: Any) -> dict[str, Any]:  # noqa: ANN401
    """State, error and result: pyVmomi does not take the whole of a task of the file manager."""
    collector = vmodl.query.PropertyCollector
    about = collector.PropertySpec(type=vim.Task, pathSet=["info.state", "info.error", "info.result"])
    asked = collector.FilterSpec(objectSet=[collector.ObjectSpec(obj=task)], propSet=[about])
    answer = collector("propertyCollector", task._stub).RetrievePropertiesEx([asked], collector.RetrieveOptions())  # noqa: SLF001
    return {found.name: found.val for each in (answer.objects if answer else ()) for found in each.propSet}


def _refused(where: str, refusal: urllib.error.HTTPError) -> UserError:
    """What a datastore's or a host's own HTTP server said: it speaks in numbers only."""
    if refusal.code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return UserError(f"{where}: the user may not write there (HTTP {refusal.code})", hint=RIGHTS)
    if refusal.code == HTTPStatus.INSUFFICIENT_STORAGE:
        return UserError(f"{where}: no space is left (HTTP {refusal.code})", hint=ROOM)
    return UserError(f"{where}: HTTP {refusal.code} {refusal.reason}")


def _words(fault: vmodl.MethodFault) -> str:
    name = type(fault).__name__.rpartition(".")[2]
    return f"{fault.msg} ({name})" if fault.msg else name
