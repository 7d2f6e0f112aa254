"""manifest.json beside the image: what it is, and the key that says whether it is up to date."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from builder import paths
from builder.files import write_atomic
from builder.guests import Facts, choose, known
from builder.intact import intact
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
    return known()[guest].facts if guest in known() else choose(cluster).facts
