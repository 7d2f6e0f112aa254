"""A session with vCenter, its tasks, and its errors."""

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
PRIVILEGES_HINT = (
    "grant the privilege (docs/vsphere.md lists all) and run the same command again: it continues where it stopped"
)
SPACE_HINT = (
    "free space on the datastore or choose another, and run the same command again: it continues where it stopped"
)
FULL_DATASTORE = (vim.fault.NoDiskSpace, vim.fault.InsufficientStorageSpace)


@dataclass(frozen=True)
class Login:
    """Server and credentials; `server` may end in :PORT. The password does not appear in the representation."""

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
        """Return how to verify vCenter's certificate: with this host's authorities or, if `insecure`, not at all."""
        return ssl._create_unverified_context() if self.insecure else ssl.create_default_context()  # noqa: S323, SLF001


def login_from_environment(server: str, user: str, *, insecure: bool) -> Login:
    """Return the login, with the password from the environment; options are visible in process lists."""
    password = os.environ.get(PASSWORD)
    if not password:
        raise UserError(f"no password for {user}", hint=f"set the environment variable {PASSWORD}")
    return Login(server, user, password, insecure=insecure)


@contextmanager
def connected(login: Login) -> Iterator[vim.ServiceInstance]:
    """Provide a session until the end of the block; raises UserError if vCenter refuses it or cannot be reached."""
    with translate_errors(login.server):
        service = SmartConnect(
            host=login.host, port=login.port, user=login.user, pwd=login.password, sslContext=login.trust(),
            httpConnectionTimeout=CONNECT_SECONDS,
        )  # fmt: skip
    try:
        yield service
    finally:
        with suppress(vmodl.MethodFault, OSError, HTTPException):  # a lost session needs no logout
            Disconnect(service)


@contextmanager
def translate_errors(where: str) -> Iterator[None]:
    """Turn errors of vCenter and of the connection into UserErrors; `where` says what failed."""
    try:
        yield
    except vim.fault.InvalidLogin:
        raise UserError(
            f"{where}: wrong user name or password", hint=f"the password is read from {PASSWORD}"
        ) from None
    except vim.fault.NoPermission as refusal:
        raise UserError(f"{where}: the user lacks the privilege {refusal.privilegeId}", hint=PRIVILEGES_HINT) from None
    except vmodl.MethodFault as fault:
        hint = SPACE_HINT if isinstance(fault, FULL_DATASTORE) else ""
        raise UserError(f"{where}: {_message(fault)}", hint=hint) from None
    except urllib.error.HTTPError as refusal:
        raise _http_error(where, refusal) from None
    except (OSError, HTTPException) as error:
        raise UserError(f"{where}: the connection failed: {error}") from None


def finish(task: Any, where: str) -> Any:  # noqa: ANN401 - pyVmomi makes its types at run time
    """Wait for a task of vCenter and return its result; raises UserError with vCenter's message, or TimedOut."""
    with translate_errors(where):
        return task_result(task)


def task_result(task: Any) -> Any:  # noqa: ANN401
    """Like `finish`, but raises vCenter's own exception."""
    end = time.monotonic() + TASK_SECONDS
    while (state := _task_state(task)).get("info.state") not in (vim.TaskInfo.State.success, vim.TaskInfo.State.error):
        if time.monotonic() > end:
            raise TimedOut(f"vCenter's task {task._GetMoId()} did not finish within {TASK_SECONDS} s")  # noqa: SLF001
        time.sleep(PAUSE_SECONDS)
    if state["info.state"] == vim.TaskInfo.State.error:
        raise state["info.error"]
    return state.get("info.result")


def _task_state(task: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return state, error and result only, because pyVmomi cannot parse all of a file manager's task."""
    collector = vmodl.query.PropertyCollector
    properties = collector.PropertySpec(type=vim.Task, pathSet=["info.state", "info.error", "info.result"])
    query = collector.FilterSpec(objectSet=[collector.ObjectSpec(obj=task)], propSet=[properties])
    answer = collector("propertyCollector", task._stub).RetrievePropertiesEx([query], collector.RetrieveOptions())  # noqa: SLF001
    return {one.name: one.val for each in (answer.objects if answer else ()) for one in each.propSet}


def _http_error(where: str, refusal: urllib.error.HTTPError) -> UserError:
    """Explain a response of the HTTP server of a datastore or a host, which is only a status code."""
    if refusal.code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return UserError(f"{where}: the user may not write there (HTTP {refusal.code})", hint=PRIVILEGES_HINT)
    if refusal.code == HTTPStatus.INSUFFICIENT_STORAGE:
        return UserError(f"{where}: no space is left (HTTP {refusal.code})", hint=SPACE_HINT)
    return UserError(f"{where}: HTTP {refusal.code} {refusal.reason}")


def _message(fault: vmodl.MethodFault) -> str:
    name = type(fault).__name__.rpartition(".")[2]
    return f"{fault.msg} ({name})" if fault.msg else name
