"""manifest.json beside the image: what it is, and the key that says whether it is up to date."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from builder import __version__, paths
from builder.bake import image
from builder.bake.plan import PreparedBake
from builder.files import sha256, write_atomic
from builder.foundations import choose
from builder.guests import Facts, known
from builder.host import PackerFacts, qemu
from builder.host.emulator import version_of
from builder.intact import intact
from builder.progress import timings
from builder.sources.pins import pin
from builder.spec.model import Cluster

NAME = "manifest.json"


def write(folder: Path, manifest: dict[str, Any]) -> None:
    """Put the manifest beside the image that it describes."""
    write_atomic(folder / NAME, json.dumps(manifest, indent=2, sort_keys=True) + "\n")


def read(folder: Path) -> dict[str, Any] | None:
    """The manifest in `folder`, or None where there is none that can be read."""
    try:
        found = json.loads((folder / NAME).read_text())
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    return found if isinstance(found, dict) else None


def is_whole(manifest: dict[str, Any], image: Path) -> bool:
    """Whether `image` is still as it was made (builder.intact)."""
    return intact(image.parent, {image.name: manifest.get("sha256", "")})


def facts(cluster: Cluster) -> Facts:
    """The facts of the guest in the cluster's image; without an image, of the guest that a bake would choose."""
    guest = (read(paths.build(cluster.cluster)) or {}).get("guest")
    return known()[guest] if guest in known() else choose(cluster).facts


def packages(bake: PreparedBake, listed: Path | None) -> dict[str, str]:
    """Package name to version: of the foundation, or as the guest listed them at the end of the bake."""
    if listed is None:
        return bake.foundation.packages
    return dict(line.split(" ", 1) for line in listed.read_text().splitlines())


def describe(bake: PreparedBake, installed: dict[str, str], finished: Path, packer: PackerFacts) -> dict[str, Any]:
    """The manifest of a finished image. Sizes are bytes, times seconds."""
    return {
        **origin(bake, installed),
        "image": image.NAME,
        "sha256": sha256(finished),
        "size": finished.stat().st_size,
        "virtual_size": image.virtual_size(finished),
        "tools": {"packer": packer.text, "qemu": version_of(qemu())},
    }


def origin(bake: PreparedBake, installed: dict[str, str]) -> dict[str, Any]:
    """What an appliance was made of, wherever it lies."""
    plan, cluster = bake.plan, bake.plan.cluster
    compiled = {"keepalived": plan.keepalived, "haproxy": cluster.haproxy.source}
    return {
        "builder": plan.builder.name,
        "cluster": cluster.cluster,
        "guest": plan.guest.facts.name,
        "key": bake.key,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"vipforge": __version__} | {name: version for name, version in compiled.items() if version},
        "inputs": {
            **bake.inputs,
            "sources": _sources(compiled),
            "spec_sha256": hashlib.sha256(cluster.model_dump_json().encode()).hexdigest(),
        },
        "packages": installed,
        "steps": [{"name": done.name, "depth": done.depth, "seconds": round(done.seconds, 2)} for done in timings()],
    }


def _sources(compiled: dict[str, str | None]) -> dict[str, dict[str, str]]:
    """The pinned files that something in the image was compiled from, by name; `compiled` has the versions."""
    pins = [pin(name, version) for name, version in compiled.items() if version]
    return {each.name: {"file": each.file, "algorithm": each.algorithm, "digest": each.digest} for each in pins}
