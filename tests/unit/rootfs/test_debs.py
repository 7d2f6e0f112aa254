"""Downloaded packages: kept once, lent while they are whole, let go when nobody asks for them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from builder.image import store
from builder.rootfs import mmdebstrap


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def bake(work: Path, *downloads: str) -> dict[str, str]:
    """What a bake is given, by name; it leaves that in apt's archives, and what it downloads."""
    own = work / os.urandom(4).hex()
    own.mkdir()
    with mmdebstrap.shared_debs("bookworm", own) as words:
        assert f"--setup-hook=sync-in {own}/debs-in /var/cache/apt/archives" in words
        given = {deb.name: deb.read_text() for deb in (own / "debs-in").iterdir()}
        for name in (*given, *downloads):
            (own / "debs-out" / name).write_text(given.get(name, f"content of {name}"))
    return given


def kept() -> list[Path]:
    return sorted(mmdebstrap.deb_folder("bookworm").glob("*.deb"))


def test_a_package_is_downloaded_once(work: Path) -> None:
    assert bake(work, "sudo_1.9_amd64.deb") == {}
    assert bake(work) == {"sudo_1.9_amd64.deb": "content of sudo_1.9_amd64.deb"}
    assert len(kept()) == 1


def test_a_package_that_was_changed_is_not_lent(work: Path) -> None:
    bake(work, "sudo_1.9_amd64.deb")
    kept()[0].write_text("other content, size the same as it was")
    assert bake(work, "sudo_1.9_amd64.deb") == {}
    assert bake(work) == {"sudo_1.9_amd64.deb": "content of sudo_1.9_amd64.deb"}


def test_a_package_that_nobody_asked_for_in_a_month_goes(work: Path) -> None:
    bake(work, "old_1_amd64.deb", "new_1_amd64.deb")
    long_ago = time.time() - mmdebstrap.KEPT_SECONDS - 1
    (old,) = [path for path in kept() if "old" in path.name]
    os.utime(old, (long_ago, long_ago))
    with mmdebstrap.shared_debs("bookworm", work):
        (work / "debs-out" / "new_1_amd64.deb").write_text("content of new_1_amd64.deb")
    assert [path.name.partition("_")[2] for path in kept()] == ["new_1_amd64.deb"]


def test_nothing_else_of_apts_folder_is_kept(work: Path) -> None:
    bake(work, "lock")
    assert list(mmdebstrap.deb_folder("bookworm").iterdir()) == []


def test_a_failed_bake_keeps_nothing(work: Path) -> None:
    with pytest.raises(ValueError, match="no"), mmdebstrap.shared_debs("bookworm", work):
        (work / "debs-out" / "half_1_amd64.deb").write_text("half")
        raise ValueError("no")
    assert kept() == []


def test_the_cache_lists_and_prunes_them_as_one(work: Path) -> None:
    bake(work, "a_1_amd64.deb", "b_1_amd64.deb")
    (entry,) = store.entries()
    assert (entry.kind, entry.name) == ("packages", "bookworm")
    long_ago = time.time() - store.IN_USE_SECONDS - 1
    for path in kept():
        os.utime(path, (long_ago, long_ago))
    assert [gone.name for gone in store.prune(0)] == ["bookworm"]
    assert store.entries() == []
