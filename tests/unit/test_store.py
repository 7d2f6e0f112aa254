"""The cache as a whole: listing it, and making room without touching what is in use."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from filelock import FileLock

from builder import layers, paths, store

MIB = 1 << 20
DAY = 24 * 60 * 60


def made(kind: str, *, mib: int, days: float) -> Path:
    """A layer that was last used some days ago."""
    place = layers.layer(kind, {"size": f"{mib}"}, lambda folder: fill(folder, mib))
    used = time.time() - days * DAY
    os.utime(place / layers.DIGESTS, (used, used))
    return place


def fill(folder: Path, mib: int) -> None:
    (folder / "disk").write_bytes(os.urandom(mib * MIB))


@pytest.fixture(autouse=True)
def no_room_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "ROOM_GIB", 0)


def test_the_longest_unused_is_listed_first() -> None:
    made("base", mib=1, days=1)
    made("foundation", mib=2, days=3)
    assert [entry.kind for entry in store.entries()] == ["foundation", "base"]
    assert "2 entries, 3.0 MiB" in store.table(store.entries())


def test_pruning_takes_the_longest_unused_until_the_rest_fits() -> None:
    old, new = made("foundation", mib=2, days=3), made("base", mib=2, days=1)
    gone = store.prune(3 * MIB)
    assert [entry.path for entry in gone] == [old]
    assert not old.exists()
    assert layers.is_whole(new)


def test_pruning_leaves_what_was_used_within_the_hour() -> None:
    place = made("base", mib=1, days=0)
    assert store.prune(0) == []
    assert layers.is_whole(place)


def test_pruning_leaves_what_another_run_holds() -> None:
    place = made("base", mib=1, days=2)
    with FileLock(place.with_suffix(".lock")):
        assert store.prune(0) == []
    assert layers.is_whole(place)


def test_using_a_layer_makes_it_recent() -> None:
    place = made("base", mib=1, days=9)
    layers.layer("base", {"size": "1"}, lambda folder: fill(folder, 1))
    assert time.time() - (place / layers.DIGESTS).stat().st_mtime < DAY


def test_a_source_goes_as_a_layer_does() -> None:
    source = paths.cache("sources", "sha256", "ab" * 32, "keepalived-2.3.3.tar.gz")
    source.parent.mkdir(parents=True)
    source.write_bytes(b"x" * 100)
    long_ago = time.time() - 30 * DAY
    os.utime(source, (long_ago, long_ago))
    assert [(entry.kind, entry.name) for entry in store.prune(0)] == [("source", "keepalived-2.3.3.tar.gz")]
    assert not source.exists()


def test_an_empty_cache_is_listed_as_empty() -> None:
    assert store.table(store.entries()).startswith("0 entries, 0.0 MiB, in ")
