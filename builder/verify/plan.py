"""The suite's input and output: the plan of a run, and its results as a table or as JSON."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from rich.console import Console
from rich.table import Table
from rich.text import Text

from builder.core import markup
from builder.core.errors import UserError
from builder.core.files import write_atomic
from builder.core.markup import Case, Outcome
from builder.core.progress import duration
from builder.guests import Facts, all_guests
from builder.spec.load import load
from builder.spec.model import Cluster, Node

CLUSTER = "cluster"
"""The node of a result that belongs to no single node."""
PLAIN_WIDTH = 120
NOT_PASSED = frozenset({"failure", "error", "skipped"})
"""The elements of a JUnit case that did not pass."""


@dataclass(frozen=True)
class VerifyPlan:
    """One run of the suite. `packages` has the versions of the image's manifest by name; empty without a manifest."""

    spec: str
    guest: str
    keepalived: str
    nodes: tuple[str, ...]
    ssh_config: str
    packages: dict[str, str]

    @cached_property
    def cluster(self) -> Cluster:
        """The cluster of the spec."""
        return load(Path(self.spec))

    @cached_property
    def facts(self) -> Facts:
        """The facts of the nodes' operating system."""
        return all_guests()[self.guest]

    @property
    def chosen(self) -> tuple[Node, ...]:
        """The nodes that are checked."""
        return tuple(node for node in self.cluster.nodes if node.name in self.nodes)

    @property
    def is_whole(self) -> bool:
        """Whether every node of the cluster is checked, so that checks between nodes are possible."""
        return len(self.chosen) == len(self.cluster.nodes)


def write_plan(plan: VerifyPlan, path: Path) -> None:
    """Write the plan to `path`."""
    write_atomic(path, json.dumps(asdict(plan), indent=2) + "\n")


def read_plan(path: Path) -> VerifyPlan:
    """Read a plan that `write_plan` wrote."""
    fields: dict[str, Any] = json.loads(path.read_text())
    return VerifyPlan(**{**fields, "nodes": tuple(fields["nodes"])})


@dataclass(frozen=True)
class Result:
    """One check on one node, or on the cluster. `reason` is empty if it passed; it may have passed with a warning."""

    group: str
    check: str
    node: str
    reason: str
    seconds: float
    details: str = field(default="", compare=False)
    """What pytest printed about a failure, for JUnit XML."""
    warning: str = ""

    @property
    def ok(self) -> bool:
        """Whether the check passed."""
        return not self.reason


@dataclass(frozen=True)
class Report:
    """Every result of one run, in the order of the suite, and how long the run took."""

    cluster: str
    results: tuple[Result, ...]
    seconds: float

    @property
    def failed(self) -> tuple[Result, ...]:
        """The checks that did not pass."""
        return tuple(result for result in self.results if not result.ok)

    @property
    def warned(self) -> tuple[Result, ...]:
        """The checks that passed with a warning: what will fail before long."""
        return tuple(result for result in self.results if result.ok and result.warning)

    def as_data(self) -> dict[str, Any]:
        """Return the report as data for JSON."""
        return {
            "cluster": self.cluster,
            "ok": not self.failed,
            "checked": len(self.results),
            "failed": len(self.failed),
            "warnings": len(self.warned),
            "seconds": round(self.seconds, 2),
            "results": [_as_data(result) for result in self.results],
        }


def _as_data(result: Result) -> dict[str, Any]:
    return {name: value for name, value in asdict(result).items() if name != "details"} | {"ok": result.ok}


def junit(report: Report) -> bytes:
    """Return the report as JUnit XML, with a case per check and node.

    pytest's own file names the node in a property of the case, which Jenkins and Surefire do not accept.
    """
    return markup.junit_xml(report.cluster, report.seconds, map(_case, report.results), {})


def _case(result: Result) -> Case:
    outcome = None if result.ok else Outcome("failure", result.reason, result.details)
    output = f"warning: {result.warning}" if result.warning else ""
    return Case(f"verify.{result.group}", f"{result.check} [{result.node}]", result.seconds, outcome, output)


def read_results(junit: Path) -> tuple[Result, ...]:
    """Return the results in a JUnit file; raises UserError if the suite left none that can be read."""
    try:
        cases = list(ET.parse(junit).getroot().iter("testcase"))  # noqa: S314 - written by our own pytest just now
    except (FileNotFoundError, ET.ParseError):
        raise UserError("the checks ended without a result") from None
    return _merged([_result(case) for case in cases])


def _result(case: ET.Element) -> Result:
    properties = {each.get("name", ""): each.get("value", "") for each in case.iter("property")}
    return Result(
        group=properties.get("group", case.get("classname", "")),
        check=properties.get("check", case.get("name", "")),
        node=properties.get("node", CLUSTER),
        reason=_reason(case),
        seconds=float(case.get("time", 0)),
        details="".join(outcome.text or "" for outcome in case if outcome.tag in NOT_PASSED),
        warning=properties.get("warning", ""),
    )


def _reason(case: ET.Element) -> str:
    """Say why a case did not pass. A skipped case was not checked, and therefore did not pass."""
    for outcome in case:
        if outcome.tag in NOT_PASSED:
            message = _sentence(outcome.get("message") or "")
            return message or f"{outcome.tag} without a message"
    return ""


def _sentence(message: str) -> str:
    """Return the first line of pytest's message without the exception's name: the sentence that the check gave."""
    line = (message.strip().splitlines() or [""])[0]
    for name in ("AssertionError: ", "failed on setup with "):
        line = line.removeprefix(name)
    return line.strip('"')


def _merged(results: Sequence[Result]) -> tuple[Result, ...]:
    """Return one result per check and node: pytest lists a case twice if it fails and so does its teardown."""
    merged: dict[tuple[str, str, str], Result] = {}
    for result in results:
        key = (result.group, result.check, result.node)
        if key not in merged or merged[key].ok:
            merged[key] = result
    return tuple(merged.values())


def check_table(report: Report, *, colour: bool, width: int = PLAIN_WIDTH) -> str:
    """Return the whole report as text. Without `colour`, it contains no control characters."""
    buffer = io.StringIO()
    console = Console(file=buffer, force_terminal=colour, no_color=not colour, width=width, highlight=False)
    console.print(_table(report.results))
    console.print()
    for result in (*report.failed, *report.warned):
        style = "yellow" if result.ok else "bold red"
        console.print(Text(f"{result.node} · {result.group} · {result.check}", style=style), soft_wrap=True)
        console.print(Text(f"  {result.reason or f'warning: {result.warning}'}"), soft_wrap=True)
    if report.failed or report.warned:
        console.print()
    console.print(_summary(report), soft_wrap=True)
    lines = buffer.getvalue().splitlines()
    return "\n".join(line.rstrip() for line in lines)


def for_stdout(report: Report) -> str:
    """Return the report for stdout: in colour and in its width for a terminal, plain for anything else."""
    terminal = sys.stdout.isatty()
    return check_table(report, colour=terminal, width=shutil.get_terminal_size().columns if terminal else PLAIN_WIDTH)


def _table(results: Sequence[Result]) -> Table:
    nodes = _columns(results)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("check")
    for node in nodes:
        table.add_column(node.split(".")[0], no_wrap=True)
    for group, group_results in groupby(_in_groups(results), key=lambda result: result.group):
        table.add_row(Text(group, style="bold"))
        for row in _rows(list(group_results), nodes):
            table.add_row(*row)
    return table


def _columns(results: Sequence[Result]) -> tuple[str, ...]:
    """Return the nodes in the order of the results; the cluster's column comes last."""
    nodes = tuple(dict.fromkeys(result.node for result in results if result.node != CLUSTER))
    return (*nodes, CLUSTER) if any(result.node == CLUSTER for result in results) else nodes


def _in_groups(results: Sequence[Result]) -> list[Result]:
    order = list(dict.fromkeys(result.group for result in results))
    return sorted(results, key=lambda result: order.index(result.group))


def _rows(results: Sequence[Result], nodes: Sequence[str]) -> Iterator[list[Text]]:
    for check in dict.fromkeys(result.check for result in results):
        by_node = {result.node: result for result in results if result.check == check}
        yield [Text(f"  {check}"), *(_cell(by_node.get(node)) for node in nodes)]


def _cell(result: Result | None) -> Text:
    if result is None:
        return Text("")
    if result.ok and result.warning:
        return Text("warning", style="yellow")
    return Text("ok", style="green") if result.ok else Text("failed", style="bold red")


def _summary(report: Report) -> Text:
    failed, checked = len(report.failed), len(report.results)
    warned = f" ({len(report.warned)} with a warning)" if report.warned else ""
    line = f"{report.cluster}: {checked - failed} passed{warned}, {failed} failed, in {duration(report.seconds)}"
    return Text(line, style="bold red" if failed else "bold green")
