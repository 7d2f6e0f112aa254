"""A proof for people on a terminal: a row for each scenario, the reasons below, and one line to sum up."""

from __future__ import annotations

import io
import shutil
import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from builder.progress import duration
from builder.proof.model import Proof, ScenarioResult
from builder.proof.report.verdict import room
from builder.proof.report.words import seconds

PLAIN_WIDTH = 120
COLUMNS = ("median", "p95", "worst", "limit", "formula", "after recovery")


def text(proof: Proof, *, colour: bool, width: int = PLAIN_WIDTH) -> str:
    """The whole summary. Without `colour` there are no control characters in it."""
    buffer = io.StringIO()
    console = Console(file=buffer, force_terminal=colour, no_color=not colour, width=width, highlight=False)
    console.print(_table(proof))
    console.print()
    for result in proof.scenarios:
        if not result.passed:
            console.print(Text(f"{result.name}: {result.reason}", style="red"), soft_wrap=True)
    for missing in proof.not_covered:
        console.print(Text(f"{missing.name}: not covered, {missing.reason}"), soft_wrap=True)
    if told := room(proof):
        console.print(Text(told, style="yellow"), soft_wrap=True)
    if proof.broken_off:
        console.print(Text(f"broken off {proof.broken_off}", style="red"), soft_wrap=True)
    console.print(_verdict(proof), soft_wrap=True)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines())


def for_stdout(proof: Proof) -> str:
    """The summary as fits where stdout goes: a terminal, or anything else."""
    terminal = sys.stdout.isatty()
    return text(proof, colour=terminal, width=shutil.get_terminal_size().columns if terminal else PLAIN_WIDTH)


def _table(proof: Proof) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("scenario")
    for column in COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for result in proof.scenarios:
        table.add_row(Text(result.name), *(Text(seconds(value)) for value in _values(result)), _word(result))
    return table


def _values(result: ScenarioResult) -> tuple[float | None, ...]:
    outage = result.outage_s
    return (outage.median, outage.p95, outage.worst, result.limit_s, result.bound_s, result.recovery_s.worst)


def _word(result: ScenarioResult) -> Text:
    return Text("ok", style="green") if result.passed else Text("FAILED", style="bold red")


def _verdict(proof: Proof) -> Text:
    failed = sum(not result.passed for result in proof.scenarios)
    told = f"{proof.cluster}, {proof.profile}: {len(proof.scenarios) - failed} passed, {failed} failed"
    told += f", {len(proof.not_covered)} not covered, in {duration(proof.seconds)}"
    return Text(told, style="bold green" if proof.passed else "bold red")
