"""The doctor's report: a table for people, JSON for scripts, an exit code for both."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from builder.doctor import machine, programs, supplies
from builder.doctor.finding import Finding
from builder.errors import Exit
from builder.spec.model import Cluster


def examine(cluster: Cluster | None = None) -> list[Finding]:
    """Look at everything, for a spec where one is given; takes half a minute at most."""
    return [*programs.findings(), *machine.findings(), *supplies.findings(cluster)]


def exit_code(findings: Sequence[Finding]) -> Exit:
    """HOST_LACKS where something is lacking, else OK."""
    return Exit.HOST_LACKS if any(each.state == "lacks" for each in findings) else Exit.OK


def as_text(findings: Sequence[Finding]) -> str:
    """The table: state, name, what was found; what to do stands below it."""
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
