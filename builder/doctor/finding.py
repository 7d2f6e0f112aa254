"""One line of the doctor's report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from builder.errors import UserError

State = Literal["ok", "lacks", "note"]


@dataclass(frozen=True)
class Finding:
    """What was looked at, what was found, and what to do about it.

    `lacks` keeps vipforge from working; a `note` is worth knowing, and work goes on.
    """

    name: str
    state: State
    found: str
    advice: str = ""


def asked(name: str, question: Callable[[], str], *, otherwise: State = "lacks") -> Finding:
    """The finding of a question that answers with what it found, or raises UserError."""
    try:
        return Finding(name, "ok", question())
    except UserError as failure:
        return Finding(name, otherwise, failure.message, failure.hint)
