"""`vipforge doctor`: what this host has and lacks. This module prints findings as a table or as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from builder.core.errors import Exit, UserError

State = Literal["ok", "lacks", "note"]


@dataclass(frozen=True)
class Finding:
    """The result of one check: what was checked, what was found, and what to do about it.

    `lacks` means that vipforge cannot work like this; a `note` is for information only.
    """

    name: str
    state: State
    found: str
    advice: str = ""


def check(name: str, probe: Callable[[], str]) -> Finding:
    """The finding of a probe, which returns what it found or raises UserError."""
    try:
        return Finding(name, "ok", probe())
    except UserError as failure:
        return Finding(name, "lacks", failure.message, failure.hint)


def exit_code(findings: Sequence[Finding]) -> Exit:
    """HOST_LACKS if anything is lacking, else OK."""
    return Exit.HOST_LACKS if any(each.state == "lacks" for each in findings) else Exit.OK


def as_text(findings: Sequence[Finding]) -> str:
    """A table of state, name and what was found, with the advice on a line below."""
    width = max(len(each.name) for each in findings)
    return "\n".join(line for each in findings for line in _lines(each, width))


def as_json(findings: Sequence[Finding]) -> str:
    """A list of objects: name, state, found, advice."""
    return json.dumps([asdict(each) for each in findings], indent=2)


def _lines(finding: Finding, width: int) -> Iterator[str]:
    margin = " " * (len("lacks  ") + width + 2)
    first, *rest = finding.found.splitlines() or [""]
    yield f"{finding.state:<5}  {finding.name:<{width}}  {first}"
    yield from (margin + line for line in rest)
    if finding.advice:
        yield f"{margin}→ {finding.advice}"
