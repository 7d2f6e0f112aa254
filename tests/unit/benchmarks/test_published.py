"""The README's table is the output of the benchmark."""

from __future__ import annotations

import pytest

from benchmarks import bake
from benchmarks.contestants import ALL, ROOT
from benchmarks.measured import Times

PUBLISHED = ROOT / "benchmarks" / "bakes.json"


def test_the_readme_shows_the_published_times_as_the_benchmark_prints_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["bake", "--table", "--times", str(PUBLISHED)])
    bake.main()
    assert capsys.readouterr().out in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", [each.name for each in ALL])
def test_every_contestant_was_measured_three_times_at_least(name: str) -> None:
    assert len(Times(PUBLISHED).of(name)) >= 3
