"""The pins: every upstream file by name and version, with its digest and, where known, its size."""

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
    """One upstream file. `size` is bytes, None where upstream tells none; `digest` is hexadecimal, by `algorithm`."""

    name: str
    version: str
    file: str
    size: int | None
    algorithm: str
    digest: str
    urls: tuple[str, ...]

    @property
    def is_base(self) -> bool:
        """Whether it is what a bake starts from, a disk or an installer's medium: the best part of a gigabyte."""
        return self.file.endswith((".qcow2", ".iso"))

    def addresses(self, debian: str | None) -> list[str]:
        """Where it can be had, with the Debian mirror filled in; without a mirror those addresses are left out."""
        usable = [url for url in self.urls if debian or DEBIAN not in url]
        return [url.replace(DEBIAN, debian or "") for url in usable]


@cache
def every() -> tuple[Pin, ...]:
    """All pins, in the order of pins.yml."""
    table = yaml.safe_load(PINS.read_text())
    return tuple(_pin(name, version, entry) for name, versions in table.items() for version, entry in versions.items())


def pin(name: str, version: str) -> Pin:
    """One pin; raises UserError with the versions that are pinned."""
    for known in every():
        if (known.name, known.version) == (name, version):
            return known
    versions = ", ".join(known.version for known in every() if known.name == name)
    raise UserError(f"{name} {version} is not pinned", hint=f"use one of: {versions}")


def own_packer() -> Pin:
    """Vipforge's own Packer, for hosts that have none."""
    return pin("packer", "1.6.6")


def _pin(name: str, version: str, entry: dict[str, object]) -> Pin:
    algorithm = next(key for key in entry if key.startswith("sha"))
    urls = entry["urls"]
    assert isinstance(urls, list)  # noqa: S101 - our own file, and mypy
    size = int(str(entry["size"])) if "size" in entry else None
    return Pin(name, version, str(entry["file"]), size, algorithm, str(entry[algorithm]), tuple(urls))
