"""The namespace keeper's record: no other process is ever mistaken for the keeper."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from builder.lab import init, state
from builder.lab.state import NamespaceKeeper


def own_start_time() -> int:
    return init.start_time(Path("/proc/self/stat").read_text())


def test_the_start_time_is_read_whatever_the_process_is_called() -> None:
    fields = " ".join(str(number) for number in range(4, 53))
    assert init.start_time(f"7 (a) b (c) S {fields}") == 22


def test_a_running_process_is_found_by_its_record(tmp_path: Path) -> None:
    init.write_record(tmp_path / state.RECORD)
    assert state.find_keeper(tmp_path) == NamespaceKeeper(os.getpid(), own_start_time())
    assert [path.name for path in tmp_path.iterdir()] == [state.RECORD]


def test_the_first_record_stays(tmp_path: Path) -> None:
    """If two first processes are started for one lab, the second ends at once."""
    (tmp_path / state.RECORD).write_text("the first")
    with pytest.raises(FileExistsError):
        init.write_record(tmp_path / state.RECORD)
    assert (tmp_path / state.RECORD).read_text() == "the first"


def test_a_later_process_with_the_same_id_is_not_the_keeper(tmp_path: Path) -> None:
    (tmp_path / state.RECORD).write_text(json.dumps({"pid": os.getpid(), "started": own_start_time() - 1}))
    assert state.find_keeper(tmp_path) is None


def test_ending_a_keeper_whose_id_was_reused_kills_no_process() -> None:
    NamespaceKeeper(os.getpid(), own_start_time() - 1).end()
    assert Path("/proc/self").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": "x", "started": 1}'])
def test_a_corrupt_record_is_no_keeper(tmp_path: Path, text: str) -> None:
    (tmp_path / state.RECORD).write_text(text)
    assert state.find_keeper(tmp_path) is None


def test_no_record_is_no_keeper(tmp_path: Path) -> None:
    assert state.find_keeper(tmp_path) is None
    assert not NamespaceKeeper(2**22 + 1, 1).alive()


def test_a_user_other_than_root_enters_the_user_namespace_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    words = ["nsenter", "--target", "7", "--user", "--preserve-credentials", "--net"]
    assert NamespaceKeeper(7, 1).client() == [*words, "--"]
    assert NamespaceKeeper(7, 1).inside() == [*words, "--pid", "--"]
