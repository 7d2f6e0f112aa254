"""Subprocesses: everything vipforge runs goes through this module.

Every command is an argv list with a time limit in seconds. A command that fails raises `CommandFailed`,
whose message begins with the cause and ends with the command line. `contain()` wraps a command so
that nothing it starts can outlive vipforge, however vipforge ends: the kernel kills a PID namespace along
with its first process, and that process along with its parent (prctl(2), PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from builder.core import errors, parallel
from builder.core.errors import HostLacks, TimedOut, UserError

Argv = Sequence[str | os.PathLike[str]]
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
KEPT_VARIABLES = (
    *("HOME", "USER", "LOGNAME", "TMPDIR", "XDG_RUNTIME_DIR"),
    *("http_proxy", "https_proxy", "no_proxy"),
    *("GNUPGHOME", "SSH_AUTH_SOCK"),  # where the user's keys are: gpg(1), ssh-agent(1)
)
TAIL_LINES = 15


class CommandFailed(UserError):
    """A command exited with a code other than 0."""

    def __init__(self, argv: Sequence[str], code: int, tail: Sequence[str], *, hint: str = "") -> None:
        super().__init__(errors.failure_message(argv, code, tail), hint=hint)
        self.argv = tuple(argv)
        self.code = code
        self.tail = tuple(tail)


@dataclass(frozen=True)
class Completed:
    """A finished command: its exit code, and what it wrote to stdout and stderr."""

    argv: tuple[str, ...]
    code: int
    out: str
    err: str


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """A clean environment: the C.UTF-8 locale, no stray variables, and a PATH that includes the sbin folders."""
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
    """The path of a program, searched in the sbin folders as well; None if there is none."""
    return shutil.which(program, path=environment()["PATH"])


def need(program: str, package: str) -> str:
    """The path of a required program; raises HostLacks, naming its Debian package, if it is not installed."""
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
    """Run a command and return its output; raises CommandFailed, HostLacks or TimedOut."""
    words = [os.fspath(word) for word in argv]
    with _started(words, cwd, env, stdin=stdin, stderr=subprocess.PIPE) as process:
        try:
            out, err = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise TimedOut(errors.timeout_message(words, timeout), hint=hint) from None
    if check and process.returncode != 0:
        raise CommandFailed(words, process.returncode, _tail(out + err), hint=hint)
    return Completed(tuple(words), process.returncode, out, err)


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
    """Run a command, pass each line of its stdout and stderr to `on_line` as it arrives, and return its exit code."""
    words = [os.fspath(word) for word in argv]
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    first_error = ""
    expired = threading.Event()
    with _started(words, cwd, env, stderr=subprocess.STDOUT, new_session=True) as process:
        timer = threading.Timer(timeout, _expire, (process, expired))
        timer.daemon = True
        timer.start()
        try:
            for line in process.stdout or ():
                tail.append(line.rstrip("\n"))
                first_error = first_error or (tail[-1] if errors.is_error(tail[-1]) else "")
                on_line(tail[-1])
            code = process.wait()
        finally:
            timer.cancel()
    if expired.is_set():
        raise TimedOut(errors.timeout_message(words, timeout), hint=hint)
    if check and code != 0:
        early = () if first_error in ("", *tail) else (first_error, "…")
        raise CommandFailed(words, code, (*early, *tail), hint=hint)
    return code


def start_process(argv: Argv, *, log: Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> int:
    """Start a program that outlives this command, in its own session; returns its process ID."""
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
    """The command, wrapped in a PID namespace that the kernel kills when vipforge ends, even by kill -9.

    Without `network` it also gets a network namespace that has only a loopback interface.
    """
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    alone = [] if network else ["--net"]
    loopback = [] if network else ["sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    jail = ["unshare", *user, *alone, "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
    return ["setpriv", "--pdeathsig", "KILL", "--", *jail, *loopback, *(os.fspath(word) for word in argv)]


def _expire(process: subprocess.Popen[str], expired: threading.Event) -> None:
    expired.set()
    parallel.kill(process)


@contextmanager
def _started(
    words: list[str],
    cwd: Path | None,
    env: Mapping[str, str] | None,
    *,
    stderr: int,
    stdin: str | None = None,
    new_session: bool = False,
) -> Iterator[subprocess.Popen[str]]:
    """Start a command for the block; at its end the command has ended or is killed. Raises Stopped for its group."""
    group = parallel.current_group()
    group.check()
    try:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=stderr, text=True, errors="replace", cwd=cwd, env=environment(env), start_new_session=new_session,
        )  # fmt: skip
    except FileNotFoundError as missing:
        raise _not_found(words, missing) from None
    with process:
        group.running.add(process)
        try:
            group.check()  # again: the group may have ended while the command started
            yield process
        finally:
            group.running.discard(process)
            parallel.kill(process)
    group.check()


def _not_found(words: Sequence[str], missing: FileNotFoundError) -> UserError:
    if missing.filename == words[0] or missing.filename is None:
        return HostLacks(f"{words[0]} was not found", hint="run `vipforge doctor`: it lists what this host lacks")
    return UserError(f"cannot start {words[0]} in {missing.filename}: no such folder")


def _tail(text: str) -> list[str]:
    return text.strip().splitlines()[-TAIL_LINES:]
