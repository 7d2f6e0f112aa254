"""Integrity checks: digests, and the record of the last full check."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from builder.core import files
from builder.core.files import CHECK_RECORD, sha256


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sub" / "disk"
    path.parent.mkdir()
    path.write_bytes(b"disk")
    return path


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every file whose digest was computed."""
    paths: list[Path] = []

    def counted(path: Path) -> str:
        paths.append(path)
        return sha256(path)

    monkeypatch.setattr(files, "sha256", counted)
    return paths


def check(file: Path, *, thorough: bool = False) -> bool:
    return files.is_intact(file.parents[1], {"sub/disk": sha256_of(b"disk")}, thorough=thorough)


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_the_first_check_computes_the_digest_and_later_ones_trust_it(file: Path, hashed: list[Path]) -> None:
    assert [check(file) for _ in range(3)] == [True] * 3
    assert hashed == [file]


def test_a_thorough_check_always_computes_the_digest(file: Path, hashed: list[Path]) -> None:
    assert check(file)
    assert check(file, thorough=True)
    assert hashed == [file, file]


def test_changed_content_of_the_same_size_and_time_is_noticed(file: Path) -> None:
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


def test_a_file_that_was_only_touched_is_checked_again_and_is_intact(file: Path, hashed: list[Path]) -> None:
    assert check(file)
    file.touch()
    assert check(file)
    assert hashed == [file, file]


def test_a_check_is_trusted_for_a_day(file: Path, hashed: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(file)
    tomorrow = time.time() + files.CHECK_VALID_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: tomorrow)
    assert check(file)
    assert hashed == [file, file]


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"checked": "x", "files": {}}'])
def test_a_broken_record_is_ignored(file: Path, hashed: list[Path], record: str) -> None:
    (file.parents[1] / CHECK_RECORD).write_text(record)
    assert check(file)
    assert hashed == [file]


def test_another_expected_digest_fails_the_check(file: Path) -> None:
    assert check(file)
    assert not files.is_intact(file.parents[1], {"sub/disk": sha256_of(b"other")})


def test_recorded_digests_are_not_computed_again(file: Path, hashed: list[Path]) -> None:
    files.record_digests(file.parents[1], {"sub/disk": sha256_of(b"disk")})
    assert check(file)
    assert hashed == []
