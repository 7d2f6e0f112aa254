"""The cache as a whole: listing it, and pruning it without touching what is in use."""

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


def add_layer(kind: str, *, mib: int, days: float) -> Path:
    """Add a layer to the cache that was last used some days ago."""
    place = layers.layer(kind, {"size": f"{mib}"}, lambda folder: fill(folder, mib))
    used = time.time() - days * DAY
    os.utime(place / layers.DIGESTS, (used, used))
    return place


def fill(folder: Path, mib: int) -> None:
    (folder / "disk").write_bytes(os.urandom(mib * MIB))


@pytest.fixture(autouse=True)
def no_room_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "ROOM_GIB", 0)


def test_the_least_recently_used_entry_is_listed_first() -> None:
    add_layer("base", mib=1, days=1)
    add_layer("foundation", mib=2, days=3)
    assert [entry.kind for entry in store.entries()] == ["foundation", "base"]
    assert "2 entries, 3.0 MiB" in store.table(store.entries())


def test_pruning_removes_the_least_recently_used_until_the_rest_fits() -> None:
    old, new = add_layer("foundation", mib=2, days=3), add_layer("base", mib=2, days=1)
    removed = store.prune(3 * MIB)
    assert [entry.path for entry in removed] == [old]
    assert not old.exists()
    assert layers.is_whole(new)


def test_pruning_keeps_what_was_used_within_the_hour() -> None:
    place = add_layer("base", mib=1, days=0)
    assert store.prune(0) == []
    assert layers.is_whole(place)


def test_pruning_keeps_what_another_run_has_locked() -> None:
    place = add_layer("base", mib=1, days=2)
    with FileLock(place.with_suffix(".lock")):
        assert store.prune(0) == []
    assert layers.is_whole(place)


def test_using_a_layer_makes_it_recent() -> None:
    place = add_layer("base", mib=1, days=9)
    layers.layer("base", {"size": "1"}, lambda folder: fill(folder, 1))
    assert time.time() - (place / layers.DIGESTS).stat().st_mtime < DAY


def test_sources_are_pruned_like_layers() -> None:
    source = paths.cache("sources", "sha256", "ab" * 32, "keepalived-2.3.3.tar.gz")
    source.parent.mkdir(parents=True)
    source.write_bytes(b"x" * 100)
    long_ago = time.time() - 30 * DAY
    os.utime(source, (long_ago, long_ago))
    assert [(entry.kind, entry.name) for entry in store.prune(0)] == [("source", "keepalived-2.3.3.tar.gz")]
    assert not source.exists()


def test_an_empty_cache_is_listed_as_empty() -> None:
    assert store.table(store.entries()).startswith("0 entries, 0.0 MiB, in ")


def test_pruning_that_removes_nothing_says_what_the_cache_holds() -> None:
    add_layer("base", mib=1, days=2)
    assert store.removal(store.prune(5 * MIB)).startswith("removed nothing; the cache holds 1.0 MiB, in ")
    assert "removed 1.0 MiB; the cache holds 0.0 MiB, in " in store.removal(store.prune(0))


def test_pruning_restores_what_another_run_began_to_use_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    place = add_layer("base", mib=1, days=2)
    listed = store.entries()
    os.utime(place / layers.DIGESTS)
    monkeypatch.setattr(store, "entries", lambda: listed)
    assert store.prune(0) == []
    assert layers.is_whole(place)


def test_what_another_prune_has_removed_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    add_layer("base", mib=1, days=2)
    listed = store.entries()
    assert [entry.kind for entry in store.prune(0)] == ["base"]
    monkeypatch.setattr(store, "entries", lambda: listed)
    assert store.prune(0) == []


def test_a_layer_without_its_record_can_be_pruned() -> None:
    place = add_layer("base", mib=1, days=0)
    (place / layers.DIGESTS).unlink()
    long_ago = time.time() - 2 * DAY
    os.utime(place, (long_ago, long_ago))
    assert [entry.path for entry in store.prune(0)] == [place]


def test_a_prune_right_after_a_layer_was_checked_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    place, check = add_layer("base", mib=1, days=2), layers.is_whole

    def check_then_prune(path: Path) -> bool:
        is_intact = check(path)
        store.prune(0)
        return is_intact

    monkeypatch.setattr(layers, "is_whole", check_then_prune)
    assert layers.layer("base", {"size": "1"}, lambda folder: fill(folder, 1)) == place
    assert check(place)


def test_a_layer_in_use_stays_intact_while_others_prune() -> None:
    """The layer is old each time, so that a prune may remove it just when it is used."""
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


def test_a_prune_leaves_no_temporary_files() -> None:
    add_layer("base", mib=1, days=2)
    store.prune(0)
    assert list(paths.cache("work").iterdir()) == []


def test_the_limit_in_the_environment_applies(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    old, new = add_layer("foundation", mib=2, days=3), add_layer("base", mib=2, days=1)
    monkeypatch.setenv("VIPFORGE_CACHE_GIB", "0.003")
    store.prune_to_limit(store.limit())
    assert (old.exists(), new.exists()) == (False, True)
    assert (
        "cache: removed 2.0 MiB of the least recently used files (VIPFORGE_CACHE_GIB, 0.003 GiB)"
        in capfd.readouterr().err
    )


def test_the_default_limit_is_20_gib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIPFORGE_CACHE_GIB", raising=False)
    assert store.limit() == 20 * GIB


@pytest.mark.parametrize("value", ["much", "-1", "1e3", "nan"])
def test_a_limit_that_is_not_a_number_is_an_error(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPFORGE_CACHE_GIB", value)
    with pytest.raises(UserError, match=f"VIPFORGE_CACHE_GIB is '{value}'"):
        store.limit()
