"""docs/verify.md explains every check of the suite and no others."""

from __future__ import annotations

import re
from pathlib import Path

from builder.verify.runner import SuiteCheck, checks

PAGE = Path(__file__).parents[3] / "docs" / "verify.md"


def documented() -> list[SuiteCheck]:
    """Return the checks on the page, in the page's order."""
    found: list[SuiteCheck] = []
    groups = re.split(r"^### (\w+)$", PAGE.read_text(), flags=re.MULTILINE)[1:]
    for group, text in zip(groups[::2], groups[1::2], strict=True):
        rows = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", text, re.MULTILINE)
        found += [SuiteCheck(group, title) for title in rows if title != "check"]
    return found


def test_the_page_explains_every_check_in_the_suites_order() -> None:
    assert documented() == list(checks())


def test_titles_are_unique() -> None:
    assert len({check.title for check in checks()}) == len(checks())
