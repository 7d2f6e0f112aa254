"""Layers: folders in the cache, named after the digest of everything that went into them.

A layer is made once, in a workspace, and moved to its place when it is whole. Before each use its files
are checked against the digests that were noted then; a damaged layer is made again, never used.
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
"""The largest layer and what it is made from: a root, unpacked, as a tar and as a disk."""

Inputs = Mapping[str, str]


@dataclass(frozen=True)
class Layer:
    """A layer before it is made: its kind, what goes into it, and the layers among that, whose keys are inputs."""

    kind: str
    own: Inputs
    parts: tuple[Layer, ...] = ()
    is_kept: bool = True
    """Whether the cache has a folder for it; else it is no more than its parts."""

    @property
    def inputs(self) -> dict[str, str]:
        """Everything that its key depends on."""
        return {**{part.kind: part.key for part in self.parts}, **self.own}

    @property
    def key(self) -> str:
        """The name of the layer."""
        return key(self.inputs)

    @property
    def place(self) -> Path:
        """Where it lies, or would."""
        return paths.cache("layers", self.kind, self.key)

    def all(self) -> Iterator[Layer]:
        """It and every layer that it is made from."""
        yield self
        for part in self.parts:
            yield from part.all()

    def used(self) -> Iterator[Layer]:
        """The folders of the cache whose files are used when this is: its own, or those of its parts."""
        if self.is_kept:
            yield self
        else:
            yield from (inner for part in self.parts for inner in part.used())


def key(inputs: Inputs) -> str:
    """The name of the layer that these inputs make: 16 hexadecimal digits of their SHA-256."""
    return hashlib.sha256(json.dumps(dict(inputs), sort_keys=True).encode()).hexdigest()[:16]


def layer(kind: str, inputs: Inputs, make: Callable[[Path], None], *, refresh: bool = False) -> Path:
    """The folder of a layer; `make` fills an empty folder where the cache lacks it, or on `refresh`."""
    place = paths.cache("layers", kind, key(inputs))
    _touch(place)
    if not refresh and is_whole(place):  # no lock, so that a cache on a read-only medium can be used
        return _found(kind, place)
    with locked(place.with_suffix(".lock"), f"the layer {kind}", timeout=LOCK_SECONDS):
        if not refresh and is_whole(place):
            return _found(kind, place)
        if place.exists() and not refresh:
            warn(f"{kind}: the cached layer is damaged and is made again")
        _make(place, inputs, make)
    return place


def is_whole(place: Path) -> bool:
    """Whether a layer's files are all there and as they were made."""
    try:
        noted = digests(place)
        return bool(noted) and all(sha256(place / name) == digest for name, digest in noted.items())
    except OSError:
        return False


def digests(place: Path) -> dict[str, str]:
    """The SHA-256 of each file of a layer, as noted when it was made; empty where there is no layer."""
    return {name: str(digest) for name, digest in _read(place / DIGESTS).items()}


def inputs_of(place: Path) -> dict[str, str]:
    """What a layer was made from; empty where there is no layer."""
    return {name: str(value) for name, value in _read(place / INPUTS).items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _touch(place: Path) -> None:
    """Note the use before anything is read, so that a prune at this moment leaves the layer or has taken all of it."""
    with suppress(OSError):  # there may be none; and a cache that cannot be written is never pruned
        os.utime(place / DIGESTS)


def _found(kind: str, place: Path) -> Path:
    say(f"{kind}: from the cache ({place.name})")
    return place


def _make(place: Path, inputs: Inputs, make: Callable[[Path], None]) -> None:
    need_room(paths.cache(), ROOM_GIB, f"making the layer {place.parent.name}", "VIPFORGE_CACHE")
    with workspace(paths.cache("work"), place.parent.name) as work:
        folder = work / "layer"
        folder.mkdir()
        make(folder)
        made = {str(path.relative_to(folder)): sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()}
        write_atomic(folder / INPUTS, json.dumps(dict(inputs), indent=2, sort_keys=True) + "\n")
        write_atomic(folder / DIGESTS, json.dumps(made, indent=2) + "\n")
        if place.exists():
            shutil.rmtree(place)
        publish(folder, place)
