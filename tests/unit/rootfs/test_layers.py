"""Layers: created once, checked before use, created again when damaged."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from builder.core import paths
from builder.core.errors import UserError
from builder.rootfs import layers

INPUTS = {"recipe": "one", "mirror": "two"}


class Maker:
    """Fills a layer, and counts its calls."""

    def __init__(self, content: str = "made") -> None:
        self.content = content
        self.times = 0

    def __call__(self, folder: Path) -> None:
        self.times += 1
        (folder / "sub").mkdir()
        (folder / "sub" / "file").write_text(self.content)


def test_the_key_depends_on_every_input_and_not_on_their_order() -> None:
    assert layers.key(INPUTS) == layers.key(dict(reversed(INPUTS.items())))
    assert layers.key(INPUTS) != layers.key({**INPUTS, "mirror": "three"})
    assert len(layers.key(INPUTS)) == 16


def test_a_layer_is_created_once_and_then_cached(capfd: pytest.CaptureFixture[str]) -> None:
    make = Maker()
    place = layers.layer("base", INPUTS, make)
    assert layers.layer("base", INPUTS, make) == place == paths.cache("layers", "base", layers.key(INPUTS))
    assert make.times == 1
    assert (place / "sub" / "file").read_text() == "made"
    assert f"base: from the cache ({place.name})" in capfd.readouterr().err


def test_inputs_and_digests_are_recorded() -> None:
    place = layers.layer("base", INPUTS, Maker())
    assert json.loads((place / "inputs.json").read_text()) == INPUTS
    assert list(json.loads((place / "digests.json").read_text())) == ["sub/file"]


def test_other_inputs_give_another_layer() -> None:
    one = layers.layer("base", INPUTS, Maker())
    two = layers.layer("base", {**INPUTS, "recipe": "new"}, Maker("other"))
    assert one != two
    assert (one / "sub" / "file").read_text() == "made"


@pytest.mark.parametrize("damage", ["changed", "lost", "digests lost", "digests broken"])
def test_a_damaged_layer_is_created_again(damage: str, capfd: pytest.CaptureFixture[str]) -> None:
    make = Maker()
    place = layers.layer("base", INPUTS, make)
    file, digests = place / "sub" / "file", place / "digests.json"
    {
        "changed": lambda: file.write_text("rot"),
        "lost": file.unlink,
        "digests lost": digests.unlink,
        "digests broken": lambda: digests.write_text("[]"),
    }[damage]()
    assert not layers.is_whole(place)
    assert layers.layer("base", INPUTS, make) == place
    assert file.read_text() == "made"
    assert make.times == 2
    assert "damaged and will be created again" in capfd.readouterr().err


def test_a_refresh_creates_the_layer_again() -> None:
    layers.layer("base", INPUTS, Maker())
    place = layers.layer("base", INPUTS, Maker("newer"), refresh=True)
    assert (place / "sub" / "file").read_text() == "newer"


def test_a_failed_refresh_keeps_the_old_layer_and_leaves_no_workspace() -> None:
    place = layers.layer("base", INPUTS, Maker())

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise UserError("the mirror is down")

    with pytest.raises(UserError, match="the mirror is down"):
        layers.layer("base", INPUTS, fail, refresh=True)
    assert layers.is_whole(place)
    assert list(paths.cache("work").iterdir()) == []


def test_an_intact_layer_needs_no_lock() -> None:
    """The cache may be on a read-only medium."""
    place = layers.layer("base", INPUTS, Maker())
    lock = place.with_suffix(".lock")
    lock.unlink(missing_ok=True)
    layers.layer("base", INPUTS, Maker())
    assert not lock.exists()


def test_two_concurrent_requests_create_it_once() -> None:
    started, proceed = threading.Event(), threading.Event()
    make = Maker()

    def slowly(folder: Path) -> None:
        started.set()
        proceed.wait(5)
        make(folder)

    threads = [threading.Thread(target=layers.layer, args=("base", INPUTS, slowly)) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert started.wait(5)
    proceed.set()
    for thread in threads:
        thread.join(10)
    assert make.times == 1
