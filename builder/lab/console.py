"""A node's serial console: its last lines, and what vipforge's own programs complain of there."""

from __future__ import annotations

import re
from pathlib import Path

from builder.bake.logs import plain

LAST_LINES = 12
COMPLAINT = re.compile(r"vipforge: (this node has no valid identity.*)")


def last_lines(path: Path) -> str:
    """The last lines, indented, below the path of the whole log."""
    lines = [line for line in _lines(path) if line.strip()][-LAST_LINES:]
    shown = "\n".join(f"    {line}" for line in lines) or "    (nothing)"
    return f"  last lines of the console ({path}):\n{shown}"


def complaints(path: Path) -> list[str]:
    """What the identity program could not accept, oldest first."""
    found = (COMPLAINT.search(line) for line in _lines(path))
    return [match[1] for match in found if match]


def _lines(path: Path) -> list[str]:
    try:
        return plain(path.read_text(errors="replace")).splitlines()
    except FileNotFoundError:
        return []
