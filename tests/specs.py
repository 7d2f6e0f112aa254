"""Specs for tests: the quickstart example with changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from builder.spec.model import Cluster

QUICKSTART = Path(__file__).parents[1] / "examples" / "quickstart.yml"


def quickstart(**changes: Any) -> Cluster:
    """Return the quickstart cluster; `vrrp={"profile": "fast"}` changes one key, `alerts=None` removes a section."""
    data = yaml.safe_load(QUICKSTART.read_text())
    for key, value in changes.items():
        data[key] = {**data[key], **value} if isinstance(value, dict) and key in data else value
    return Cluster.model_validate(data)


def of_profile(profile: str, priorities: tuple[int, ...] | None = None) -> Cluster:
    """Return the quickstart cluster with a profile, and priorities that fit the profile."""
    spec = quickstart(vrrp={"profile": profile})
    chosen = priorities or ((101, 100) if profile == "classic" else (254, 253))
    pairs = zip(spec.nodes, chosen, strict=True)
    return spec.model_copy(update={"nodes": tuple(node.model_copy(update={"priority": it}) for node, it in pairs)})
