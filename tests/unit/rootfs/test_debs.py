"""The package cache: packages are kept once, reused while they are intact, and removed when no bake uses them."""

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
    """The packages that a bake gets from the cache, by name; afterwards apt has them and the new downloads."""
    own = work / os.urandom(4).hex()
    own.mkdir()
    with mmdebstrap.shared_debs("bookworm", own) as options:
        assert f"--setup-hook=sync-in {own}/debs-in /var/cache/apt/archives" in options
        reused = {deb.name: deb.read_text() for deb in (own / "debs-in").iterdir()}
        for name in (*reused, *downloads):
            (own / "debs-out" / name).write_text(reused.get(name, f"content of {name}"))
    return reused


def kept() -> list[Path]:
    return sorted(mmdebstrap.deb_folder("bookworm").glob("*.deb"))


def test_a_package_is_downloaded_once(work: Path) -> None:
    assert bake(work, "sudo_1.9_amd64.deb") == {}
    assert bake(work) == {"sudo_1.9_amd64.deb": "content of sudo_1.9_amd64.deb"}
    assert len(kept()) == 1


def test_a_package_that_was_changed_is_not_reused(work: Path) -> None:
    bake(work, "sudo_1.9_amd64.deb")
    kept()[0].write_text("other content, size the same as it was")
    assert bake(work, "sudo_1.9_amd64.deb") == {}
    assert bake(work) == {"sudo_1.9_amd64.deb": "content of sudo_1.9_amd64.deb"}


def test_a_package_that_no_bake_has_used_for_a_month_is_removed(work: Path) -> None:
    bake(work, "old_1_amd64.deb", "new_1_amd64.deb")
    long_ago = time.time() - mmdebstrap.KEPT_SECONDS - 1
    (old,) = [path for path in kept() if "old" in path.name]
    os.utime(old, (long_ago, long_ago))
    with mmdebstrap.shared_debs("bookworm", work):
        (work / "debs-out" / "new_1_amd64.deb").write_text("content of new_1_amd64.deb")
    assert [path.name.partition("_")[2] for path in kept()] == ["new_1_amd64.deb"]


def test_nothing_else_in_the_folder_of_apt_is_kept(work: Path) -> None:
    bake(work, "lock")
    assert list(mmdebstrap.deb_folder("bookworm").iterdir()) == []


def test_a_failed_bake_keeps_nothing(work: Path) -> None:
    with pytest.raises(ValueError, match="no"), mmdebstrap.shared_debs("bookworm", work):
        (work / "debs-out" / "half_1_amd64.deb").write_text("half")
        raise ValueError("no")
    assert kept() == []


def test_the_packages_are_listed_and_pruned_as_one_entry(work: Path) -> None:
    bake(work, "a_1_amd64.deb", "b_1_amd64.deb")
    (entry,) = store.entries()
    assert (entry.kind, entry.name) == ("packages", "bookworm")
    long_ago = time.time() - store.IN_USE_SECONDS - 1
    for path in kept():
        os.utime(path, (long_ago, long_ago))
    assert [removed.name for removed in store.prune(0)] == ["bookworm"]
    assert store.entries() == []
