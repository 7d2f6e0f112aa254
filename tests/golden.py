"""Golden files: whole rendered artefacts, compared byte for byte.

`VIPFORGE_GOLDEN=write pytest …` rewrites them; read the diff before you commit it.
"""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def assert_golden(name: str, text: str) -> None:
    """Compare a text with tests/golden/NAME."""
    path = FOLDER / name
    if os.environ.get("VIPFORGE_GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert path.is_file(), f"{path} is missing; VIPFORGE_GOLDEN=write creates it"
    assert text == path.read_text()
