"""What goes into an appliance, and the key that names it: the same inputs, the same key."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from builder import __version__
from builder.bake import image
from builder.bake.outline import Inputs, Outline
from builder.files import sha256
from builder.guests import Foundation, Wanted
from builder.host import PackerFacts, qemu
from builder.host.emulator import version_of
from builder.progress import timings
from builder.sources.pins import pin


@dataclass(frozen=True)
class Plan:
    """One bake with all that it needs. `key` is a digest of every input."""

    outline: Outline
    foundation: Foundation
    foundation_sha256: str
    inputs: Inputs

    @property
    def key(self) -> str:
        """The name of this bake."""
        return hashlib.sha256(json.dumps(self.inputs, sort_keys=True).encode()).hexdigest()


def plan(outline: Outline, *, offline: bool, refresh: bool = False) -> Plan:
    """Have the foundation: from the cache, checked, or made now."""
    wanted = Wanted(outline.builder.medium, offline, refresh)
    foundation = outline.guest.foundation(outline.cluster, outline.keepalived, wanted)
    disk = foundation.disk_sha256 or (sha256(foundation.disk) if foundation.disk else "")
    inputs = {
        **outline.inputs,
        "contents": outline.contents(),
        "foundation": {"key": outline.foundation.key, "sha256": disk},
    }
    return Plan(outline, foundation, disk, inputs)


def packages(plan: Plan, listed: Path | None) -> dict[str, str]:
    """Package name to version: of the foundation, or as the guest listed them at the end of the bake."""
    if listed is None:
        return plan.foundation.packages
    return dict(line.split(" ", 1) for line in listed.read_text().splitlines())


def describe(plan: Plan, installed: dict[str, str], finished: Path, packer: PackerFacts) -> dict[str, Any]:
    """The manifest of a finished image. Sizes are bytes, times seconds."""
    return {
        **origin(plan, installed),
        "image": image.NAME,
        "sha256": sha256(finished),
        "size": finished.stat().st_size,
        "virtual_size": image.virtual_size(finished),
        "tools": {"packer": packer.text, "qemu": version_of(qemu())},
    }


def origin(plan: Plan, installed: dict[str, str]) -> dict[str, Any]:
    """What an appliance was made of, wherever it lies."""
    outline, cluster = plan.outline, plan.outline.cluster
    compiled = {"keepalived": outline.keepalived, "haproxy": cluster.haproxy.source}
    return {
        "builder": outline.builder.name,
        "cluster": cluster.cluster,
        "guest": outline.guest.facts.name,
        "key": plan.key,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"vipforge": __version__} | {name: version for name, version in compiled.items() if version},
        "inputs": {
            **plan.inputs,
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
