"""Faulty specs: edits of a valid one, the message that follows, and the edit that does what its hint says."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

GONE = object()
"""In an edit: the key is removed."""
Edit = dict[str, Any]
"""Values by their places, such as `nodes.0.name`."""

VALID = Path(__file__).resolve().parents[2] / "golden" / "spec" / "valid.yml"
BASE = yaml.safe_load(VALID.read_text())
KEY: str = BASE["operator"]["ssh_keys"][0]
WITH_INSTANCES: Edit = {
    "vrrp": {
        "instances": [
            {"name": "one", "virtual_router_id": 10, "vips": ["10.1.2.10"]},
            {"name": "two", "virtual_router_id": 11, "vips": ["10.1.2.20"], "prefer": "lb2"},
        ]
    }
}
WITH_IPV6: Edit = {
    "vrrp.vips": ["10.1.2.10", "10.1.2.20", "2001:db8::10"],
    "network.prefix6": 64,
    "nodes.0.address6": "2001:db8::11",
    "nodes.1.address6": "2001:db8::12",
}
WITH_MANAGEMENT: Edit = {
    "management": {"prefix": 24, "routes": [{"to": "10.20.0.0/16", "via": "10.9.0.1"}]},
    "nodes.0.management": "10.9.0.11",
    "nodes.1.management": "10.9.0.12",
}


@dataclass(frozen=True)
class Case:
    """A faulty spec: `faulty` are its edits, `hint` is part of its hint, and `fixed` does what the hint says."""

    faulty: Edit
    reason: str
    hint: str
    fixed: Edit
    base: Edit | None = None

    @property
    def name(self) -> str:
        """The places that it edits, for the names of tests."""
        return f"{','.join(self.faulty)}: {self.reason}"[:60]


def spec(*edits: Edit | None) -> Any:
    """The data of the valid spec after these edits."""
    data = copy.deepcopy(BASE)
    for place, value in ((place, value) for edit in edits for place, value in (edit or {}).items()):
        *parents, last = (int(part) if part.isdigit() else part for part in place.split("."))
        parent = data
        for part in parents:
            parent = parent[part]
        if value is GONE:
            del parent[last]
        elif isinstance(parent, list) and last == len(parent):
            parent.append(copy.deepcopy(value))
        else:
            parent[last] = copy.deepcopy(value)
    return data


def same_place(place: str, value: object, reason: str, hint: str, right: object, base: Edit | None = None) -> Case:  # noqa: PLR0917 - a row of a table
    """A case whose fix is another value at the same place."""
    return Case({place: value}, reason, hint, {place: right}, base)
