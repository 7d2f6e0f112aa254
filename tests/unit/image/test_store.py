"""The cache as a whole: listing it, and making room without touching what is in use."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from filelock import FileLock

from builder.core import paths
from builder.core.errors import UserError
from builder.core.files import GIB
from builder.image import store
from builder.rootfs import layers

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


def test_pruning_puts_back_what_somebody_began_to_use_since_it_was_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    place = made("base", mib=1, days=2)
    listed = store.entries()
    os.utime(place / layers.DIGESTS)
    monkeypatch.setattr(store, "entries", lambda: listed)
    assert store.prune(0) == []
    assert layers.is_whole(place)


def test_what_another_prune_has_taken_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    made("base", mib=1, days=2)
    listed = store.entries()
    assert [entry.kind for entry in store.prune(0)] == ["base"]
    monkeypatch.setattr(store, "entries", lambda: listed)
    assert store.prune(0) == []


def test_a_layer_whose_notes_are_lost_can_be_pruned() -> None:
    place = made("base", mib=1, days=0)
    (place / layers.DIGESTS).unlink()
    long_ago = time.time() - 2 * DAY
    os.utime(place, (long_ago, long_ago))
    assert [entry.path for entry in store.prune(0)] == [place]


def test_a_prune_just_after_a_layer_was_checked_leaves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    place, check = made("base", mib=1, days=2), layers.is_whole

    def checked_then_pruned(asked: Path) -> bool:
        whole = check(asked)
        store.prune(0)
        return whole

    monkeypatch.setattr(layers, "is_whole", checked_then_pruned)
    assert layers.layer("base", {"size": "1"}, lambda folder: fill(folder, 1)) == place
    assert check(place)


def test_a_layer_that_is_found_stays_whole_while_others_prune() -> None:
    """It is old each time, and is asked for just when it goes."""
    stop = threading.Event()

    def prune_all_the_time() -> None:
        while not stop.is_set():
            store.prune(0)

    pruning = threading.Thread(target=prune_all_the_time)
    pruning.start()
    try:
        for _ in range(60):
            place = layers.layer("base", {"size": "small"}, lambda folder: fill(folder, 0))
            assert layers.is_whole(place)
            long_ago = time.time() - 2 * DAY
            os.utime(place / layers.DIGESTS, (long_ago, long_ago))
    finally:
        stop.set()
        pruning.join()


def test_a_prune_leaves_nothing_aside() -> None:
    made("base", mib=1, days=2)
    store.prune(0)
    assert list(paths.cache("work").iterdir()) == []


def test_the_limit_of_the_environment_counts(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    old, new = made("foundation", mib=2, days=3), made("base", mib=2, days=1)
    monkeypatch.setenv("VIPFORGE_CACHE_GIB", "0.003")
    store.keep_within(store.limit())
    assert (old.exists(), new.exists()) == (False, True)
    assert "cache: 2.0 MiB unused for longest went (VIPFORGE_CACHE_GIB, 0.003 GiB)" in capfd.readouterr().err


def test_without_one_20_gib_may_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIPFORGE_CACHE_GIB", raising=False)
    assert store.limit() == 20 * GIB


@pytest.mark.parametrize("value", ["much", "-1", "1e3", "nan"])
def test_a_limit_that_is_no_number_is_told(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPFORGE_CACHE_GIB", value)
    with pytest.raises(UserError, match=f"VIPFORGE_CACHE_GIB is '{value}'"):
        store.limit()
