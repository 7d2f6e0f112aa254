"""What `vipforge image` prints when it is done."""

from __future__ import annotations

import json
import os
from pathlib import Path

from builder.bake.appliance import Baked

MIB = 1 << 20


def summary(baked: Baked, *, as_json: bool) -> str:
    """The manifest as JSON, or three lines for a person."""
    record, version = baked.manifest, baked.manifest["versions"]["keepalived"]
    if as_json:
        return json.dumps(
            {**record, "path": str(baked.image) if baked.image else None, "fresh": baked.fresh}, indent=2
        )
    if baked.image is None:
        return f"baked: the template {record['template']} in the vCenter\n  {record['guest']}, keepalived {version}"
    verb = "baked" if baked.fresh else "up to date"
    return "\n".join(
        (
            f"{verb}: {_shown(baked.image)}",
            f"  {record['guest']}, keepalived {version}, {record['size'] / MIB:.0f} MiB",
            f"  sha256 {record['sha256']}",
        )
    )


def _shown(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
