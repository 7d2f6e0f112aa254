"""Short forms of a proof: the summary for a terminal, JUnit XML for CI, and the list of scenarios."""

from __future__ import annotations

import io
import shutil
import sys
from xml.etree import ElementTree as ET

from rich.console import Console
from rich.table import Table
from rich.text import Text

from builder.core.progress import duration
from builder.faults.model import NotCovered, Proof, ScenarioResult
from builder.faults.report.drawing import append, element
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
    """The proof as a JUnit XML file."""
    counts = {
        "tests": f"{len(proof.scenarios) + len(proof.not_covered) + bool(proof.broken_off)}",
        "failures": f"{sum(not each.passed for each in proof.scenarios)}",
        "errors": f"{int(bool(proof.broken_off))}",
        "skipped": f"{len(proof.not_covered)}",
        "time": f"{proof.seconds:.3f}",
    }
    root = element("testsuites", name="vipforge", **counts)
    suite = append(root, "testsuite", name=proof.cluster, timestamp=proof.started, **counts)
    about = append(suite, "properties")
    facts = {"profile": proof.profile, "how": proof.how, **proof.versions, **proof.digests}
    for name, value in facts.items():
        append(about, "property", name=name, value=value)
    suite.extend([*map(_test_case, proof.scenarios), *(_skipped(each, proof.profile) for each in proof.not_covered)])
    if proof.broken_off:
        suite.append(_early_end(proof))
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _early_end(proof: Proof) -> ET.Element:
    case = element("testcase", classname=f"proof.{proof.profile}", name="the whole run", time="0")
    append(case, "error", message=proof.broken_off)
    return case


def _test_case(result: ScenarioResult) -> ET.Element:
    elapsed = sum(trial.ended_at for trial in result.trials)
    case = element("testcase", classname=f"proof.{result.profile}", name=result.name, time=f"{elapsed:.3f}")
    if not result.passed:
        text = "\n".join([result.reason, *further_failures(result)])
        append(case, "failure", text, message=result.reason, type="proof")
    append(case, "system-out", f"{result.title}. {_outage(result)}")
    return case


def _outage(result: ScenarioResult) -> str:
    outage = result.outage_s
    limit = "no limit" if result.limit_s is None else f"limit {seconds(result.limit_s)}"
    spread = f"median {seconds(outage.median)}, 95th percentile {seconds(outage.p95)}, worst {seconds(outage.worst)}"
    return f"Outage: {spread}; {limit}; trials: {result.repeats}."


def _skipped(each: NotCovered, profile: str) -> ET.Element:
    case = element("testcase", classname=f"proof.{profile}", name=each.name, time="0")
    append(case, "skipped", message=each.reason)
    return case
