"""A host that has only the programs that a test creates."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def bare_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The empty folder that PATH consists of."""
    folder = tmp_path / "bare-bin"
    folder.mkdir()
    monkeypatch.setattr("builder.core.run.SYSTEM_PATH", str(folder))
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("VIPFORGE_PACKER", raising=False)
    monkeypatch.delenv("VIPFORGE_ACCEL", raising=False)
    return folder
