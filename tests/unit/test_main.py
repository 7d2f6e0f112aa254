"""The entry point of the command."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from builder.__main__ import INTERRUPTED, main
from builder.core.errors import Exit


def interrupted() -> None:
    raise KeyboardInterrupt


def test_an_interrupt_while_the_command_is_loaded_shows_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "builder.cli", SimpleNamespace(main=interrupted))
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == INTERRUPTED == Exit.INTERRUPTED
