"""The commented spec that a new user starts from."""

from __future__ import annotations

import os
from pathlib import Path

from builder.errors import UserError
from builder.files import write_atomic

STARTER = Path(__file__).with_name("starter.yml")


def write(path: Path) -> None:
    """Put the starter at `path`; raises UserError where there is anything already."""
    if os.path.lexists(path):
        raise UserError(f"{path} is there already, and init overwrites nothing", hint="give another path")
    write_atomic(path, STARTER.read_text())
