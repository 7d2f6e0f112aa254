"""`vipforge` whose vendors are the stand-ins: `python -m tests.standins.vipforge VENDOR image SPEC …`.

Only what a vendor publishes is another: the digests of its media and the fingerprint of its key. VENDOR is the folder.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import yaml

from builder.__main__ import main
from builder.files import sha256
from builder.guests import centos7, rocky9
from builder.sources import pins
from tests.standins.vendor import Vendor

MODULES = (centos7, rocky9)


def _media(vendor: Vendor) -> Iterator[tuple[str, Path]]:
    """What each pinned medium of the vendors is replaced by, by the name of the pin."""
    yield from ((f"{module.GUEST.name}-cloud", vendor.disk(module.GUEST.name)) for module in MODULES)
    yield "centos7-minimal", vendor.medium


def _pins(vendor: Vendor) -> str:
    """pins.yml with the digests of the stand-ins, whatever the version."""
    table = yaml.safe_load(pins.PINS.read_text())
    for name, path in _media(vendor):
        if path.exists():
            entry = {"file": path.name, "size": path.stat().st_size, "sha256": sha256(path), "urls": []}
            table[name] = dict.fromkeys(table[name], entry)
    return yaml.safe_dump(table)


def stand_in(vendor: Vendor, folder: Path) -> None:
    """Let both guests come from the vendor; `folder` takes the pins."""
    own = folder / "pins.yml"
    own.write_text(_pins(vendor))
    pins.PINS = own
    for module in MODULES:
        repositories = replace(module.GUEST.repositories, fingerprint=vendor.fingerprint)
        module.GUEST = replace(module.GUEST, repositories=repositories)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        stand_in(Vendor(Path(sys.argv.pop(1))), Path(scratch))
        main()
