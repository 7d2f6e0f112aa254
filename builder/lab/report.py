"""What `vipforge lab status` prints."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from rich import box
from rich.console import Console
from rich.table import Table

from builder.lab.survey import NodeState, Survey

COLUMNS = ("node", "machine", "SSH", "haproxy", "keepalived", "VRRP", "VIPs")
PLAIN_WIDTH = 200
"""A pipe has no width; nothing is to be folded."""


def text(survey: Survey, *, as_json: bool) -> str:
    """The survey as JSON for programs, or for people: a table of the nodes, then the VIPs and services."""
    if as_json:
        return json.dumps({**asdict(survey), "one_holder_each": survey.one_holder_each}, indent=2)
    return "\n".join([table(survey), *lines(survey)])


def table(survey: Survey) -> str:
    """The nodes, a row each."""
    terminal = sys.stdout.isatty()
    drawn = Table(*COLUMNS, box=box.SIMPLE_HEAD if terminal else None, pad_edge=False)
    for node in survey.nodes:
        drawn.add_row(*row(node))
    console = Console(color_system=None, width=None if terminal else PLAIN_WIDTH)
    with console.capture() as captured:
        console.print(drawn)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def lines(survey: Survey) -> list[str]:
    """Why a node could not be asked, who holds each VIP, and what each service answers on it."""
    told = [f"{node.name}: {node.trouble}" for node in survey.nodes if node.trouble]
    for vip, names in survey.holders.items():
        told.append(f"{vip} is held by {_listed(names)}")
        told += [f"  port {each.port}: {each.answer}" for each in survey.answers if each.address == vip]
    return told


def row(node: NodeState) -> tuple[str, ...]:
    """A node's cells; what is not known is a dash."""
    cells = (node.vm, "yes" if node.ssh else "no", node.haproxy, node.keepalived, node.vrrp_words, " ".join(node.vips))
    return (node.name, *(cell or "-" for cell in cells))


def _listed(names: tuple[str, ...]) -> str:
    if len(names) == 1:
        return names[0]
    return f"{len(names)} nodes: {', '.join(names)}" if names else "no node"
