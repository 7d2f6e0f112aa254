"""The one door for subprocesses.

Every command is an argv list with a limit in seconds. A command that fails raises `CommandFailed`,
whose message begins with the cause and ends with the command line. `contain()` wraps a command so
that nothing it starts can outlive it, whatever happens to us: the kernel ends a PID namespace with
its first process, and that process with its parent (prctl(2) PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from builder.core import errors
from builder.core.errors import HostLacks, TimedOut, UserError

Argv = Sequence[str | os.PathLike[str]]
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
KEPT_VARIABLES = ("HOME", "USER", "LOGNAME", "TMPDIR", "XDG_RUNTIME_DIR", "http_proxy", "https_proxy", "no_proxy")
TAIL_LINES = 15
_streaming: set[subprocess.Popen[str]] = set()
"""What `stream` runs now, in all threads."""
_failed: ContextVar[threading.Event | None] = ContextVar("failed", default=None)
"""Set as soon as what is worked on beside this context has failed."""

One = TypeVar("One")
Other = TypeVar("Other")


class CommandFailed(UserError):
    """A command ended with another code than 0."""

    def __init__(self, argv: Sequence[str], code: int, tail: Sequence[str], *, hint: str = "") -> None:
        super().__init__(errors.message(argv, code, tail), hint=hint)
        self.argv = tuple(argv)
        self.code = code
        self.tail = tuple(tail)


@dataclass(frozen=True)
class Completed:
    """What a command left: its exit code, and the text of its stdout and stderr."""

    argv: tuple[str, ...]
    code: int
    out: str
    err: str


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """A clean environment: no locale, no stray variables, PATH with the sbin folders."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    path = os.environ.get("PATH", "")
    return {
        **kept,
        "PATH": f"{path}:{SYSTEM_PATH}".lstrip(":"),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        **(extra or {}),
    }


def find_program(program: str) -> str | None:
    """The path of a program, also where only root's PATH has it (sbin)."""
    return shutil.which(program, path=environment()["PATH"])


def need(program: str, package: str) -> str:
    """The path of a program that must be there; raises HostLacks and names the Debian package."""
    path = find_program(program)
    if path is None:
        raise HostLacks(f"{program} is not installed", hint=f"apt-get install {package}")
    return path


def run(
    argv: Argv,
    *,
    timeout: float,
    check: bool = True,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    hint: str = "",
) -> Completed:
    """Run a command to its end and keep its output; raises CommandFailed, HostLacks or TimedOut."""
    words = [os.fspath(word) for word in argv]
    feed = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, errors="replace", timeout=timeout, cwd=cwd,
            env=environment(env), check=False, **feed,
        )  # fmt: skip
    except FileNotFoundError as missing:
        raise _not_found(words, missing) from None
    except subprocess.TimeoutExpired:
        raise TimedOut(errors.late(words, timeout), hint=hint) from None
    if check and done.returncode != 0:
        raise CommandFailed(words, done.returncode, _tail(done.stdout + done.stderr), hint=hint)
    return Completed(tuple(words), done.returncode, done.stdout, done.stderr)


def stream(
    argv: Argv,
    on_line: Callable[[str], None],
    *,
    timeout: float,
    check: bool = True,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    hint: str = "",
) -> int:
    """Run a command and hand over each line of its stdout and stderr as it comes; returns its exit code."""
    words = [os.fspath(word) for word in argv]
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    first = ""
    process = _spawn_piped(words, cwd, env)
    _streaming.add(process)
    if (failed := _failed.get()) and failed.is_set():  # asked only now, so that nothing is started between the two
        process.kill()
    expired = threading.Event()
    timer = threading.Timer(timeout, _expire, (process, expired))
    timer.daemon = True
    timer.start()
    try:
        for line in process.stdout or ():
            tail.append(line.rstrip("\n"))
            first = first or (tail[-1] if errors.marked(tail[-1]) else "")
            on_line(tail[-1])
        code = process.wait()
    finally:
        timer.cancel()
        if process.poll() is None:
            process.kill()
        process.wait()
        _streaming.discard(process)
    if expired.is_set():
        raise TimedOut(errors.late(words, timeout), hint=hint)
    if check and code != 0:
        early = () if first in ("", *tail) else (first, "…")
        raise CommandFailed(words, code, (*early, *tail), hint=hint)
    return code


def together(one: Callable[[], One], other: Callable[[], Other]) -> tuple[One, Other]:
    """Both results; `other` is worked on in a thread. When one fails, the commands of all threads are ended."""
    failed, context = threading.Event(), copy_context()
    context.run(_failed.set, failed)
    with ThreadPoolExecutor(1) as pool:
        begun = pool.submit(context.run, other)
        try:
            return one(), begun.result()
        except BaseException:
            failed.set()
            for process in tuple(_streaming):
                process.kill()
            raise


def start_process(argv: Argv, *, log: Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> int:
    """Start a program that outlives this command, in a session of its own; returns its process id."""
    words = [os.fspath(word) for word in argv]
    with log.open("ab") as out:
        try:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                cwd=cwd, env=environment(env), start_new_session=True,
            )  # fmt: skip
        except FileNotFoundError as missing:
            raise _not_found(words, missing) from None
    return process.pid


def contain(argv: Argv, *, network: bool = True) -> list[str]:
    """The same command in a PID namespace that the kernel ends when we end, also after kill -9.

    Without `network` it also gets a network namespace that has nothing but its own loopback.
    """
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    alone = [] if network else ["--net"]
    loopback = [] if network else ["sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    jail = ["unshare", *user, *alone, "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
    return ["setpriv", "--pdeathsig", "KILL", "--", *jail, *loopback, *(os.fspath(word) for word in argv)]


def _expire(process: subprocess.Popen[str], expired: threading.Event) -> None:
    expired.set()
    process.kill()


def _spawn_piped(words: list[str], cwd: Path | None, env: Mapping[str, str] | None) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", cwd=cwd, env=environment(env), start_new_session=True,
        )  # fmt: skip
    except FileNotFoundError as missing:
        raise _not_found(words, missing) from None


def _not_found(words: Sequence[str], missing: FileNotFoundError) -> UserError:
    if missing.filename == words[0] or missing.filename is None:
        return HostLacks(f"{words[0]} was not found", hint="`vipforge doctor` lists what this host lacks")
    return UserError(f"{missing.filename} does not exist, so {words[0]} could not be started in it")


def _tail(text: str) -> list[str]:
    return text.strip().splitlines()[-TAIL_LINES:]
