"""HAProxy reloads every second while clients ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.reload import REQUESTS, measure

pytestmark = pytest.mark.integration


def test_reloads_under_load_lose_no_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPFORGE_STATE", str(tmp_path))  # measure sets it, and this takes it back
    found = measure(REQUESTS, tmp_path)
    assert found.answers == {"200": REQUESTS}
    assert found.workers > found.seconds / 2, "HAProxy has not reloaded every second"
