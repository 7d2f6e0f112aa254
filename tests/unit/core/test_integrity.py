"""Whether files are as they were made: digests, and what a full check saw of them."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from builder.core import files
from builder.core.files import NOTE, sha256


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "sub" / "disk"
    made.parent.mkdir()
    made.write_bytes(b"disk")
    return made


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every file whose digest was taken."""
    seen: list[Path] = []

    def counted(path: Path) -> str:
        seen.append(path)
        return sha256(path)

    monkeypatch.setattr(files, "sha256", counted)
    return seen


def check(file: Path, *, thorough: bool = False) -> bool:
    return files.is_intact(file.parents[1], {"sub/disk": sha256_of(b"disk")}, thorough=thorough)


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_the_first_check_takes_the_digest_and_the_next_ones_believe_it(file: Path, hashed: list[Path]) -> None:
    assert [check(file) for _ in range(3)] == [True] * 3
    assert hashed == [file]


def test_a_thorough_check_always_takes_it(file: Path, hashed: list[Path]) -> None:
    assert check(file)
    assert check(file, thorough=True)
    assert hashed == [file, file]


def test_other_content_of_the_same_size_and_time_is_noticed(file: Path) -> None:
    assert check(file)
    times = file.stat().st_atime_ns, file.stat().st_mtime_ns
    file.write_bytes(b"dusk")
    os.utime(file, ns=times)
    assert not check(file)


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"d")], ids=["lost", "cut short"])
def test_damage_is_noticed(file: Path, damage) -> None:
    assert check(file)
    damage(file)
    assert not check(file)


def test_a_file_that_was_only_touched_is_checked_again_and_found_whole(file: Path, hashed: list[Path]) -> None:
    assert check(file)
    file.touch()
    assert check(file)
    assert hashed == [file, file]


def test_a_check_is_believed_for_a_day(file: Path, hashed: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(file)
    tomorrow = time.time() + files.BELIEVED_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: tomorrow)
    assert check(file)
    assert hashed == [file, file]


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"checked": "x", "files": {}}'])
def test_a_broken_note_is_no_note(file: Path, hashed: list[Path], note: str) -> None:
    (file.parents[1] / NOTE).write_text(note)
    assert check(file)
    assert hashed == [file]


def test_another_digest_is_another_file(file: Path) -> None:
    assert check(file)
    assert not files.is_intact(file.parents[1], {"sub/disk": sha256_of(b"other")})


def test_what_was_just_made_needs_no_digest(file: Path, hashed: list[Path]) -> None:
    files.record_digests(file.parents[1], {"sub/disk": sha256_of(b"disk")})
    assert check(file)
    assert hashed == []
