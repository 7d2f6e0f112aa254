"""The `vipforge` command, run in the process of the tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from builder import cli


@pytest.fixture
def vipforge(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the command with these arguments in this process, and return its exit code."""
    monkeypatch.delenv("VIPFORGE_DEBUG", raising=False)
    monkeypatch.setattr(cli, "MODULES", ("spec",))

    def run(*words: str | Path) -> int:
        monkeypatch.setattr("sys.argv", ["vipforge", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)

    return run
