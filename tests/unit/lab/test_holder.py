"""The holder's note: a process is never taken for another one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from builder.lab import init, state
from builder.lab.state import NamespaceKeeper


def own_start() -> int:
    return init.started(Path("/proc/self/stat").read_text())


def test_the_start_time_is_read_past_any_name() -> None:
    fields = " ".join(str(number) for number in range(4, 53))
    assert init.started(f"7 (a) b (c) S {fields}") == 22


def test_a_running_process_is_found_by_its_note(tmp_path: Path) -> None:
    init.note(tmp_path / state.RECORD)
    assert state.find_keeper(tmp_path) == NamespaceKeeper(os.getpid(), own_start())
    assert [path.name for path in tmp_path.iterdir()] == [state.RECORD]


def test_the_first_note_stays(tmp_path: Path) -> None:
    """Of two first processes for one lab, the second ends at once."""
    (tmp_path / state.RECORD).write_text("the first")
    with pytest.raises(FileExistsError):
        init.note(tmp_path / state.RECORD)
    assert (tmp_path / state.RECORD).read_text() == "the first"


def test_a_process_that_got_the_same_id_later_is_not_the_holder(tmp_path: Path) -> None:
    (tmp_path / state.RECORD).write_text(json.dumps({"pid": os.getpid(), "started": own_start() - 1}))
    assert state.find_keeper(tmp_path) is None


def test_ending_a_holder_whose_id_was_used_again_kills_nobody() -> None:
    NamespaceKeeper(os.getpid(), own_start() - 1).end()
    assert Path("/proc/self").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": "x", "started": 1}'])
def test_a_spoilt_note_is_no_holder(tmp_path: Path, text: str) -> None:
    (tmp_path / state.RECORD).write_text(text)
    assert state.find_keeper(tmp_path) is None


def test_no_note_is_no_holder(tmp_path: Path) -> None:
    assert state.find_keeper(tmp_path) is None
    assert not NamespaceKeeper(2**22 + 1, 1).alive()


def test_a_user_other_than_root_enters_the_user_namespace_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    words = ["nsenter", "--target", "7", "--user", "--preserve-credentials", "--net"]
    assert NamespaceKeeper(7, 1).client() == [*words, "--"]
    assert NamespaceKeeper(7, 1).inside() == [*words, "--pid", "--"]
