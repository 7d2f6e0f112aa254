"""The table that the README shows is what the benchmark printed."""

from __future__ import annotations

from pathlib import Path

from benchmarks.contestants import ALL, ROOT
from benchmarks.measured import Times, table

PUBLISHED = Times(ROOT / "benchmarks" / "bakes.json")


def test_the_readme_shows_the_published_times_as_the_benchmark_prints_them() -> None:
    assert table(PUBLISHED, {each.name: each.title for each in ALL}) in Path(ROOT / "README.md").read_text()


def test_every_contestant_was_measured_three_times_at_least() -> None:
    assert {each.name: len(PUBLISHED.of(each.name)) for each in ALL if len(PUBLISHED.of(each.name)) < 3} == {}
