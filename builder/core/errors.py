"""Errors shown to the user: what is wrong, where, and what to do; and the messages of failed commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

CREDENTIALS = re.compile(r"(?<=//)\S*@")
"""What may be a user and a password in an address; it ends at the last @, because a password may contain @ and /."""


def without_credentials(text: str) -> str:
    """The text without the user and the password of any address in it."""
    return CREDENTIALS.sub("…@", text)


def printable(text: str) -> str:
    """The text with an escape for each character that would not show, or would move what follows it."""
    return "".join(each if each.isprintable() else f"{each!a}"[1:-1] for each in text)


class Exit(IntEnum):
    """Exit codes of the `vipforge` command (docs/exit-codes.md)."""

    OK = 0
    FAILED = 1
    BAD_SPEC = 2
    HOST_LACKS = 3
    TIMED_OUT = 4
    INTERRUPTED = 130


class UserError(Exception):
    """An error that the user can fix: one sentence saying what is wrong, and a hint saying what to do."""

    exit_code = Exit.FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class InvalidOption(UserError):
    """An argument, an option or an environment variable of the command has a value that it cannot use."""

    exit_code = Exit.BAD_SPEC


class HostLacks(UserError):
    """This host lacks a program, a package or a permission that the command needs."""

    exit_code = Exit.HOST_LACKS


class TimedOut(UserError):
    """A wait reached its limit; the message says what did not happen, and within what time."""

    exit_code = Exit.TIMED_OUT


@dataclass(frozen=True, order=True)
class LocatedProblem:
    """A problem in a spec and its position. `line` and `column` count from 1, as in editors."""

    file: str
    line: int
    column: int
    reason: str
    value: str = ""
    hint: str = ""

    def __str__(self) -> str:
        shown = f" (got {self.value})" if self.value else ""
        text = printable(f"{self.file}:{self.line}:{self.column}: {self.reason}{shown}")
        return f"{text}\n  hint: {printable(self.hint)}" if self.hint else text


class SpecError(UserError):
    """All problems in one spec, in line order."""

    exit_code = Exit.BAD_SPEC

    def __init__(self, problems: Sequence[LocatedProblem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


WRAPPERS = ("setpriv", "unshare", "nsenter")
"""Programs that only start another program, which follows a `--`."""
EXEC_ARGUMENTS = 'exec "$@"'
"""How an `sh -c` script ends that only prepares the ground for the program after it."""
CAUSE = re.compile(
    r"^E: |^\S*(fatal|error|failed|cannot)\b(?!\.)|: (fatal |internal )?error\b|\berror: ", re.IGNORECASE
)
"""How programs such as apt, compilers, rpm, QEMU and git mark the line that matters."""
LONGEST_WORD, LONGEST_COMMAND = 48, 160


def program_name(words: Sequence[str]) -> str:
    """The name of the program that a command line runs, ignoring its folder and any wrappers around it."""
    rest = list(words)
    while rest and Path(rest[0]).name in WRAPPERS and "--" in rest:
        rest = rest[rest.index("--") + 1 :]
    if rest[:2] == ["sh", "-c"] and "".join(rest[2:3]).endswith(EXEC_ARGUMENTS):
        rest = rest[4:]
    return Path(rest[0]).name if rest else ""


def is_error(line: str) -> bool:
    """Whether a line of output is marked as an error."""
    return CAUSE.search(line) is not None


def cause(lines: Sequence[str]) -> str:
    """The first line marked as an error, else the last line with any text; empty if there is no text."""
    texts = [line.strip() for line in lines if line.strip()]
    return next(filter(is_error, texts), texts[-1] if texts else "")


def shortened(words: Sequence[str]) -> str:
    """A command line for messages: long words, such as scripts, are cut, and so is a long line."""
    line = shlex.join(word if len(word) <= LONGEST_WORD and "\n" not in word else _cut(word) for word in words)
    return line if len(line) <= LONGEST_COMMAND else f"{line[:LONGEST_COMMAND]}… ({len(words)} words)"


def failure_message(words: Sequence[str], code: int, tail: Sequence[str]) -> str:
    """The message of a command that exited with a code other than 0: its cause, its last lines, the command."""
    why = cause(tail)
    head = f"{program_name(words)} failed with exit code {code}" + (f": {why}" if why else "")
    context = tail if len([line for line in tail if line.strip()]) > 1 else ()
    return "\n    ".join((head, *context, f"command: {shortened(words)}"))


def timeout_message(words: Sequence[str], seconds: float) -> str:
    """The message of a command that did not finish in time."""
    return f"{program_name(words)} was still running after {seconds:g} s\n    command: {shortened(words)}"


def _cut(word: str) -> str:
    first = word.split("\n", maxsplit=1)[0]
    return f"{first[:LONGEST_WORD]}…"
