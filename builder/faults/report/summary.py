"""Short forms of a proof: the summary for a terminal, JUnit XML for CI, and the list of scenarios."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from builder.core import markup
from builder.core.markup import Case, Outcome
from builder.core.progress import duration
from builder.faults.model import Proof, ScenarioResult
from builder.faults.report.story import emulation_note, further_failures, seconds
from builder.faults.scenarios import all_scenarios

WIDTH = 140
PLAIN_WIDTH = 120
COLUMNS = ("median", "p95", "worst", "limit", "formula", "after recovery")


def scenario_table() -> str:
    """One row per scenario: its name, its fault, the expected effect, and its requirements."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("scenario", "fault", "expected effect", "requires"):
        table.add_column(column, no_wrap=column == "scenario")
    for each in all_scenarios().values():
        cells = (each.name, each.title, each.effect.value, "a virtual machine" if each.needs_machines else "")
        table.add_row(*map(Text, cells))
    buffer = io.StringIO()
    Console(file=buffer, width=WIDTH).print(table)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines())


def proof_summary(proof: Proof, *, colour: bool, width: int = PLAIN_WIDTH) -> str:
    """The summary of a proof; without `colour` it contains no control characters."""
    buffer = io.StringIO()
    console = Console(file=buffer, force_terminal=colour, no_color=not colour, width=width, highlight=False)
    console.print(_table(proof))
    console.print()
    for result in proof.scenarios:
        if not result.passed:
            console.print(Text(f"{result.name}: {result.reason}", style="red"), soft_wrap=True)
    for missing in proof.not_covered:
        console.print(Text(f"{missing.name}: not covered, {missing.reason}"), soft_wrap=True)
    if note := emulation_note(proof):
        console.print(Text(note, style="yellow"), soft_wrap=True)
    if proof.broken_off:
        console.print(Text(f"the run ended early {proof.broken_off}", style="red"), soft_wrap=True)
    console.print(_verdict(proof), soft_wrap=True)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines())


def for_stdout(proof: Proof) -> str:
    """The summary in a form that suits stdout: with colours and the full width if it is a terminal."""
    terminal = sys.stdout.isatty()
    return proof_summary(proof, colour=terminal, width=shutil.get_terminal_size().columns if terminal else PLAIN_WIDTH)


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
    text = f"{proof.cluster}, {proof.profile}: {len(proof.scenarios) - failed} passed, {failed} failed"
    text += f", {len(proof.not_covered)} not covered, in {duration(proof.seconds)}"
    return Text(text, style="bold green" if proof.passed else "bold red")


def junit(proof: Proof) -> bytes:
    """The proof as a JUnit XML file: one case per scenario."""
    facts = {"started": proof.started, "profile": proof.profile, "how": proof.how, **proof.versions, **proof.digests}
    return markup.junit_xml(proof.cluster, proof.seconds, _cases(proof), facts)


def _cases(proof: Proof) -> Iterator[Case]:
    group = f"proof.{proof.profile}"
    yield from map(_case, proof.scenarios)
    for each in proof.not_covered:
        yield Case(group, each.name, outcome=Outcome("skipped", each.reason))
    if proof.broken_off:
        yield Case(group, "the whole run", outcome=Outcome("error", proof.broken_off))


def _case(result: ScenarioResult) -> Case:
    details = "\n".join([result.reason, *further_failures(result)])
    outcome = None if result.passed else Outcome("failure", result.reason, details)
    elapsed = sum(trial.ended_at for trial in result.trials)
    return Case(f"proof.{result.profile}", result.name, elapsed, outcome, f"{result.title}. {_outage(result)}")


def _outage(result: ScenarioResult) -> str:
    outage = result.outage_s
    limit = "no limit" if result.limit_s is None else f"limit {seconds(result.limit_s)}"
    spread = f"median {seconds(outage.median)}, 95th percentile {seconds(outage.p95)}, worst {seconds(outage.worst)}"
    return f"Outage: {spread}; {limit}; trials: {result.repeats}."
