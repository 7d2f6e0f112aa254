"""docs/proof.md matches the code."""

from __future__ import annotations

import re
from pathlib import Path

from builder.faults.scenarios import all_scenarios

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "proof.md").read_text()


def test_every_scenario_has_a_row() -> None:
    rows = re.findall(r"^\| (`[a-z-]+`(?:, `[a-z-]+`)*) \|", PAGE.partition("## The scenarios")[2], re.MULTILINE)
    named = [
        name for row in rows[: rows.index("`master-reset`, `backup-reset`") + 1] for name in re.findall("[a-z-]+", row)
    ]
    assert sorted(named) == sorted(all_scenarios())
