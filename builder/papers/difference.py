"""`vipforge diff`: what differs between two images, by their manifests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Flat = dict[str, str]
ALWAYS = ("made", "sha256", "size", "steps")
"""No two bakes agree in these: they say nothing of what is in an image."""


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """One line a difference, in the order of the names: `- gone`, `+ came`, `~ changed: old -> new`."""
    return list(_lines(_flat(old), _flat(new)))


def _lines(old: Flat, new: Flat) -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield f"- {name} {old[name]}"
        elif name not in old:
            yield f"+ {name} {new[name]}"
        elif old[name] != new[name]:
            yield f"~ {name}: {old[name]} -> {new[name]}"


def _flat(record: Mapping[str, Any], prefix: str = "") -> Flat:
    """Every value by its path: {"packages": {"bash": "5.2"}} becomes {"packages bash": "5.2"}."""
    flat: Flat = {}
    for key, value in record.items():
        if not prefix and key in ALWAYS:
            continue
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key} ")
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat
