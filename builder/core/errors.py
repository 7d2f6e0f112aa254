"""Errors for the user: what is wrong, where and what to do; and what a failed program said, its cause first."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path


class Exit(IntEnum):
    """Exit codes of the `vipforge` command (docs/exit-codes.md)."""

    OK = 0
    FAILED = 1
    BAD_SPEC = 2
    HOST_LACKS = 3
    TIMED_OUT = 4
    INTERRUPTED = 130


class UserError(Exception):
    """Something a person can mend: one sentence on what is wrong, and a hint on what to do."""

    exit_code = Exit.FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class HostLacks(UserError):
    """This host lacks a program, a package or a permission that the command needs."""

    exit_code = Exit.HOST_LACKS


class TimedOut(UserError):
    """A wait reached its limit; the message names what was waited for and how long."""

    exit_code = Exit.TIMED_OUT


@dataclass(frozen=True, order=True)
class LocatedProblem:
    """One fault of a spec. `line` and `column` count from 1, as editors do."""

    file: str
    line: int
    column: int
    reason: str
    value: str = ""
    hint: str = ""

    def __str__(self) -> str:
        shown = f" (got {self.value})" if self.value else ""
        text = f"{self.file}:{self.line}:{self.column}: {self.reason}{shown}"
        return f"{text}\n  hint: {self.hint}" if self.hint else text


class SpecError(UserError):
    """Every fault of one spec, in the order of its lines."""

    exit_code = Exit.BAD_SPEC

    def __init__(self, problems: Sequence[LocatedProblem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


WRAPPERS = ("setpriv", "unshare", "nsenter")
"""Programs that only start another one, which follows a `--`."""
HANDS_OVER = 'exec "$@"'
"""Ends a script of `sh -c` that prepares something for the program after it."""
CAUSE = re.compile(
    r"^E: |^\S*(fatal|error|failed|cannot)\b(?!\.)|: (fatal |internal )?error\b|\berror: ", re.IGNORECASE
)
"""How programs mark the line that matters: apt, compilers, rpm, QEMU, git and their like."""
LONGEST_WORD, LONGEST_COMMAND = 48, 160


def program(words: Sequence[str]) -> str:
    """The program that a command line is about, without its folder and without what wraps it."""
    rest = list(words)
    while rest and Path(rest[0]).name in WRAPPERS and "--" in rest:
        rest = rest[rest.index("--") + 1 :]
    if rest[:2] == ["sh", "-c"] and "".join(rest[2:3]).endswith(HANDS_OVER):
        rest = rest[4:]
    return Path(rest[0]).name if rest else ""


def marked(line: str) -> bool:
    """Whether a line says that it is an error."""
    return CAUSE.search(line) is not None


def cause(lines: Sequence[str]) -> str:
    """The first line that says it is an error, or the last one that says anything; empty where none does."""
    told = [line.strip() for line in lines if line.strip()]
    return next(filter(marked, told), told[-1] if told else "")


def shortened(words: Sequence[str]) -> str:
    """A command line for people: long words, such as scripts, are cut, and so is a long line."""
    line = shlex.join(word if len(word) <= LONGEST_WORD and "\n" not in word else _cut(word) for word in words)
    return line if len(line) <= LONGEST_COMMAND else f"{line[:LONGEST_COMMAND]}… ({len(words)} words)"


def message(words: Sequence[str], code: int, tail: Sequence[str]) -> str:
    """The whole message of a command that ended with a code other than 0."""
    why = cause(tail)
    head = f"{program(words)} failed with exit code {code}" + (f": {why}" if why else "")
    context = tail if len([line for line in tail if line.strip()]) > 1 else ()
    return "\n    ".join((head, *context, f"command: {shortened(words)}"))


def late(words: Sequence[str], seconds: float) -> str:
    """The message of a command that did not end in time."""
    return f"{program(words)} was still running after {seconds:g} s\n    command: {shortened(words)}"


def _cut(word: str) -> str:
    first = word.split("\n", maxsplit=1)[0]
    return f"{first[:LONGEST_WORD]}…"
