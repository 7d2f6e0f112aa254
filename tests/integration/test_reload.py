"""HAProxy reloads every second while clients send requests."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.reload import REQUESTS, measure

pytestmark = pytest.mark.integration


def test_reloads_under_load_lose_no_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPFORGE_STATE", str(tmp_path))  # measure sets it, and monkeypatch restores it
    result = measure(REQUESTS, tmp_path)
    assert result.answers == {"200": REQUESTS}
    assert result.workers > result.seconds / 2, "HAProxy did not reload every second"
