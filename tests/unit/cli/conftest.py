"""The `vipforge` command, run in the process of the tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from builder import cli


@pytest.fixture
def any_command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run vipforge with these arguments in this process, and return its exit code."""

    def run(*words: str | Path) -> int:
        monkeypatch.setattr("sys.argv", ["vipforge", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)

    return run


@pytest.fixture
def vipforge(any_command: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run only the commands for specs, without tracebacks, unless a test says otherwise."""
    monkeypatch.delenv("VIPFORGE_DEBUG", raising=False)
    monkeypatch.setattr(cli, "MODULES", ("spec",))
    return any_command
