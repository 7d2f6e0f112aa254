"""Pinned upstream files: what they are, where they come from, and the cache of those already downloaded.

This module reads the pins: every upstream file by name and version, with its digest and, if known, its size.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from builder.core.errors import UserError

PINS = Path(__file__).with_name("pins.yml")
DEBIAN = "{debian}"


@dataclass(frozen=True)
class Pin:
    """One upstream file. `size` is in bytes, or None if upstream does not state it; `digest` is in hexadecimal."""

    name: str
    version: str
    file: str
    size: int | None
    algorithm: str
    digest: str
    urls: tuple[str, ...]

    @property
    def is_base(self) -> bool:
        """Whether a bake starts from it: a disk or an installation medium, hundreds of megabytes in size."""
        return self.file.endswith((".qcow2", ".iso"))

    def addresses(self, debian: str | None) -> list[str]:
        """Its addresses, with the Debian mirror filled in; without a mirror, addresses that need one are left out."""
        usable = [url for url in self.urls if debian or DEBIAN not in url]
        return [url.replace(DEBIAN, debian or "") for url in usable]


@cache
def all_pins() -> tuple[Pin, ...]:
    """Every pin, in the order of pins.yml."""
    table = yaml.safe_load(PINS.read_text())
    return tuple(_pin(name, version, entry) for name, versions in table.items() for version, entry in versions.items())


def pin(name: str, version: str) -> Pin:
    """One pin; raises UserError, listing the pinned versions, if there is none."""
    for known in all_pins():
        if (known.name, known.version) == (name, version):
            return known
    versions = ", ".join(known.version for known in all_pins() if known.name == name)
    raise UserError(
        f"{name} {version} is not pinned",
        hint=f"use one of: {versions}" if versions else "see `vipforge sources list`",
    )


def own_packer() -> Pin:
    """The Packer that vipforge downloads on hosts without one."""
    return pin("packer", "1.6.6")


def _pin(name: str, version: str, entry: dict[str, object]) -> Pin:
    algorithm = next(key for key in entry if key.startswith("sha"))
    urls = entry["urls"]
    assert isinstance(urls, list)  # noqa: S101 - for mypy: pins.yml is part of this package
    size = int(str(entry["size"])) if "size" in entry else None
    return Pin(name, version, str(entry["file"]), size, algorithm, str(entry[algorithm]), tuple(urls))
