"""The errors that people see: what is wrong, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


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
class Problem:
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

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))
