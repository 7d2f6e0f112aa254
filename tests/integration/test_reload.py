"""A reload of HAProxy while clients ask: the bounded version of benchmarks/reload.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.reload import measure

pytestmark = pytest.mark.integration

REQUESTS = 2000


def test_reloads_under_load_lose_no_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPFORGE_STATE", str(tmp_path))  # measure sets it, and this takes it back
    found = measure(REQUESTS, tmp_path)
    assert found["answers"] == {"200": REQUESTS}
    assert found["workers"] > 2, "HAProxy has not reloaded"
