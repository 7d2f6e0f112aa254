"""docs/seed-coverage.md proves every step of the article with a check or test that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "seed-coverage.md").read_text()
ROWS = [row for row in re.findall(r"^\| (.*) \|$", PAGE, re.MULTILINE) if "proved by" not in row]
SOURCES = [*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "builder" / "verify" / "suite").glob("test_*.py")]
FUNCTIONS = {name for path in SOURCES for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split(" | ")[0][:40])
def test_every_step_is_proved_by_a_test_that_exists(row: str) -> None:
    step, how, proof = row.split(" | ")
    named = re.findall(r"`(test_\w+)`", proof)
    assert named, f"nothing proves {step}"
    assert set(named) <= FUNCTIONS, set(named) - FUNCTIONS
    assert how


def test_every_difference_is_explained() -> None:
    marks = set(re.findall(r"[⁰¹²³⁴⁵⁶⁷⁸⁹]", "".join(ROWS)))
    numbered = re.findall(r"^\d\. (.*)", PAGE, re.MULTILINE)
    assert len(numbered) == len(marks)
    assert len(ROWS) > 20
