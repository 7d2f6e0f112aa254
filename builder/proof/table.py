"""The report for people: a row for each check, a column for each node, the reasons below, and one line to sum up."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from builder.progress import duration
from builder.proof.results import CLUSTER, Report, Result

PLAIN_WIDTH = 120


def text(report: Report, *, colour: bool, width: int = PLAIN_WIDTH) -> str:
    """The whole report. Without `colour` there are no control characters in it."""
    buffer = io.StringIO()
    console = Console(file=buffer, force_terminal=colour, no_color=not colour, width=width, highlight=False)
    console.print(_table(report.results))
    console.print()
    for result in report.failed:
        console.print(Text(f"{result.node} · {result.group} · {result.check}", style="bold red"), soft_wrap=True)
        console.print(Text(f"  {result.reason}"), soft_wrap=True)
    if report.failed:
        console.print()
    console.print(_summary(report), soft_wrap=True)
    lines = buffer.getvalue().splitlines()
    return "\n".join(line.rstrip() for line in lines)


def for_stdout(report: Report) -> str:
    """The report as fits where stdout goes: a terminal, or anything else."""
    terminal = sys.stdout.isatty()
    return text(report, colour=terminal, width=shutil.get_terminal_size().columns if terminal else PLAIN_WIDTH)


def _table(results: Sequence[Result]) -> Table:
    nodes = _columns(results)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("check")
    for node in nodes:
        table.add_column(node.split(".")[0], no_wrap=True)
    for group, of_group in groupby(_in_groups(results), key=lambda result: result.group):
        table.add_row(Text(group, style="bold"))
        for row in _rows(list(of_group), nodes):
            table.add_row(*row)
    return table


def _columns(results: Sequence[Result]) -> tuple[str, ...]:
    """The nodes in the order of the results; the cluster's own column comes last."""
    nodes = tuple(dict.fromkeys(result.node for result in results if result.node != CLUSTER))
    return (*nodes, CLUSTER) if any(result.node == CLUSTER for result in results) else nodes


def _in_groups(results: Sequence[Result]) -> list[Result]:
    order = list(dict.fromkeys(result.group for result in results))
    return sorted(results, key=lambda result: order.index(result.group))


def _rows(results: Sequence[Result], nodes: Sequence[str]) -> Iterator[list[Text]]:
    for check in dict.fromkeys(result.check for result in results):
        found = {result.node: result for result in results if result.check == check}
        yield [Text(f"  {check}"), *(_cell(found.get(node)) for node in nodes)]


def _cell(result: Result | None) -> Text:
    if result is None:
        return Text("")
    return Text("ok", style="green") if result.ok else Text("failed", style="bold red")


def _summary(report: Report) -> Text:
    failed, checked = len(report.failed), len(report.results)
    told = f"{report.cluster}: {checked - failed} passed, {failed} failed, in {duration(report.seconds)}"
    return Text(told, style="bold red" if failed else "bold green")
