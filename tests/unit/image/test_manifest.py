"""The manifest, and whether the image next to it is unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.core.files import sha256
from builder.image import manifest


@pytest.fixture
def baked(tmp_path: Path) -> Path:
    image = tmp_path / "appliance.qcow2"
    image.write_bytes(b"disk")
    manifest.write(tmp_path, {"key": "k", "sha256": sha256(image)})
    return image


def is_whole(image: Path) -> bool:
    return manifest.is_whole(manifest.read(image.parent) or {}, image)


def test_an_unchanged_image_is_intact(baked: Path) -> None:
    assert is_whole(baked)


def test_a_damaged_image_is_not_intact(baked: Path) -> None:
    assert is_whole(baked)
    baked.write_bytes(b"dusk")
    assert not is_whole(baked)


def test_a_missing_image_is_not_intact(baked: Path) -> None:
    baked.unlink()
    assert not is_whole(baked)


@pytest.mark.parametrize("content", ["", "{", "[]", "\x00"])
def test_an_unreadable_manifest_counts_as_missing(tmp_path: Path, content: str) -> None:
    (tmp_path / manifest.NAME).write_text(content)
    assert manifest.read(tmp_path) is None


def test_a_missing_manifest(tmp_path: Path) -> None:
    assert manifest.read(tmp_path) is None
    assert not manifest.is_whole({}, tmp_path / "appliance.qcow2")
