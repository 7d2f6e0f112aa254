"""The scenarios as a list for people."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table
from rich.text import Text

from builder.proof.scenarios import known

WIDTH = 140


def text() -> str:
    """A row for each scenario: its name, what it covers, what must come of it."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("scenario", "what is done", "what must be seen", "needs"):
        table.add_column(column, no_wrap=column == "scenario")
    for each in known().values():
        cells = (each.name, each.title, each.effect.value, "a machine" if each.needs_machines else "")
        table.add_row(*map(Text, cells))
    buffer = io.StringIO()
    Console(file=buffer, width=WIDTH).print(table)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines())
