"""Layers: folders in the cache, named after the digest of everything that they are made from.

A layer is created once, in a workspace, and moved to its place when it is complete. Before each use, its files
are checked against the digests recorded then; a damaged layer is never used but created again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.core import paths
from builder.core.files import locked, need_room, publish, sha256, workspace, write_atomic
from builder.core.progress import say, warn

DIGESTS = "digests.json"
INPUTS = "inputs.json"
LOCK_SECONDS = 60 * 60
ROOM_GIB = 3
"""Space for the largest layer and for what it is made from: a root, unpacked, as a tar and as a disk."""

Inputs = Mapping[str, str]


@dataclass(frozen=True)
class Layer:
    """A layer by its kind and its inputs. `parts` are the layers that it is made from; their keys are inputs, too."""

    kind: str
    own: Inputs
    parts: tuple[Layer, ...] = ()
    is_kept: bool = True
    """Whether the cache has a folder for this layer; if not, it only stands for its parts."""

    @property
    def inputs(self) -> dict[str, str]:
        """Everything that the key depends on."""
        return {**{part.kind: part.key for part in self.parts}, **self.own}

    @property
    def key(self) -> str:
        """The name of the layer's folder."""
        return key(self.inputs)

    @property
    def place(self) -> Path:
        """The path of the layer's folder, which may not exist."""
        return paths.cache("layers", self.kind, self.key)

    def all(self) -> Iterator[Layer]:
        """This layer and every layer that it is made from."""
        yield self
        for part in self.parts:
            yield from part.all()

    def used(self) -> Iterator[Layer]:
        """The layers whose files are used when this one is: itself, or those of its parts."""
        if self.is_kept:
            yield self
        else:
            yield from (inner for part in self.parts for inner in part.used())


def key(inputs: Inputs) -> str:
    """The name of the layer with these inputs: 16 hexadecimal digits of their SHA-256."""
    return hashlib.sha256(json.dumps(dict(inputs), sort_keys=True).encode()).hexdigest()[:16]


def layer(kind: str, inputs: Inputs, make: Callable[[Path], None], *, refresh: bool = False) -> Path:
    """The folder of a layer; `make` fills an empty folder if the cache lacks the layer, or on `refresh`."""
    place = paths.cache("layers", kind, key(inputs))
    _touch(place)
    if not refresh and is_whole(place):  # without a lock, so that a cache on a read-only medium works
        return _found(kind, place)
    with locked(place.with_suffix(".lock"), f"the layer {kind}", timeout=LOCK_SECONDS):
        if not refresh and is_whole(place):
            return _found(kind, place)
        if place.exists() and not refresh:
            warn(f"{kind}: the cached layer is damaged and will be created again")
        _make(place, inputs, make)
    return place


def is_whole(place: Path) -> bool:
    """Whether all files of a layer exist and have their recorded digests."""
    try:
        recorded = digests(place)
        return bool(recorded) and all(sha256(place / name) == digest for name, digest in recorded.items())
    except OSError:
        return False


def digests(place: Path) -> dict[str, str]:
    """The SHA-256 of each file of a layer, recorded when it was created; empty if there is no layer."""
    return {name: str(digest) for name, digest in _read(place / DIGESTS).items()}


def inputs_of(place: Path) -> dict[str, str]:
    """The inputs of a layer; empty if there is no layer."""
    return {name: str(value) for name, value in _read(place / INPUTS).items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _touch(place: Path) -> None:
    """Mark the layer as used before reading it, so that a concurrent prune keeps it or has removed all of it."""
    with suppress(OSError):  # there may be no layer; and a read-only cache is never pruned
        os.utime(place / DIGESTS)


def _found(kind: str, place: Path) -> Path:
    say(f"{kind}: from the cache ({place.name})")
    return place


def _make(place: Path, inputs: Inputs, make: Callable[[Path], None]) -> None:
    need_room(paths.cache(), ROOM_GIB, f"creating the layer {place.parent.name}", "VIPFORGE_CACHE")
    with workspace(paths.cache("work"), place.parent.name) as work:
        folder = work / "layer"
        folder.mkdir()
        make(folder)
        recorded = {
            str(path.relative_to(folder)): sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()
        }
        write_atomic(folder / INPUTS, json.dumps(dict(inputs), indent=2, sort_keys=True) + "\n")
        write_atomic(folder / DIGESTS, json.dumps(recorded, indent=2) + "\n")
        if place.exists():
            shutil.rmtree(place)
        publish(folder, place)
