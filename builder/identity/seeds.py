"""The seeds of a whole cluster as files, by each road that a seed can travel; all are readable by their owner only."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from builder.errors import UserError
from builder.files import Together, together
from builder.guests import Facts
from builder.identity import guestinfo, nocloud, ovf, private
from builder.identity.seed import Seed, seed
from builder.spec.model import Cluster

Road = Literal["iso", "guestinfo", "ovf", "folder"]
SHOWN = ("guestinfo", "ovf")
"""Roads whose content is part of the machine's configuration."""


def write_all(
    cluster: Cluster, facts: Facts, folder: Path, extra_keys: Sequence[str] = (), *, road: Road = "iso"
) -> dict[str, Path]:
    """Write one seed a node into `folder`; node name to the seed's file or folder.

    Raises UserError where the road would show a secret to others.
    """
    with together() as files:
        return write(cluster, facts, folder, files, extra_keys, road=road)


def write(
    cluster: Cluster,
    facts: Facts,
    folder: Path,
    files: Together,
    extra_keys: Sequence[str] = (),
    *,
    road: Road = "iso",
) -> dict[str, Path]:
    """The same, with the seeds of other clusters: they are there when `files` are published."""
    check(cluster, road)
    make = ROADS[road]
    return {
        node.name: make(seed(cluster, node, facts, extra_keys), folder / node.name, files) for node in cluster.nodes
    }


def check(cluster: Cluster, road: Road) -> None:
    """Refuse to send a secret by a road that shows it to others (docs/vsphere.md)."""
    if road in SHOWN and private.has_secrets(cluster):
        raise UserError(
            f"the seeds of {cluster.cluster} hold a key or a password, which {road} shows to others",
            hint="use the ISO: everybody who may look at the machine can read its variables and properties",
        )


def _iso(made: Seed, stem: Path, files: Together) -> Path:
    """NODE.iso: the NoCloud CD."""
    path = stem.with_name(f"{stem.name}.iso")
    files.write(path, nocloud.image(made), mode=nocloud.MODE)
    return path


def _guestinfo(made: Seed, stem: Path, files: Together) -> Path:
    """NODE.guestinfo.json: the machine's variables and their values."""
    path = stem.with_name(f"{stem.name}.guestinfo.json")
    files.write(path, json.dumps(guestinfo.variables(made), indent=2) + "\n", mode=nocloud.MODE)
    return path


def _ovf(made: Seed, stem: Path, files: Together) -> Path:
    """NODE.ovf/: the properties' values, and the CD that brings them."""
    folder = _private(stem.with_name(f"{stem.name}.ovf"))
    properties = json.dumps(ovf.properties(made), indent=2) + "\n"
    files.write(folder / "properties.json", properties, mode=nocloud.MODE)
    files.write(folder / "transport.iso", ovf.transport(made), mode=nocloud.MODE)
    return folder


def _folder(made: Seed, stem: Path, files: Together) -> Path:
    """NODE/: the texts themselves, for any other tool."""
    folder = _private(stem)
    for name, text in made.files().items():
        files.write(folder / name, text, mode=nocloud.MODE)
    return folder


def _private(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


ROADS: MappingProxyType[Road, Callable[[Seed, Path, Together], Path]] = MappingProxyType(
    {"iso": _iso, "guestinfo": _guestinfo, "ovf": _ovf, "folder": _folder}
)
