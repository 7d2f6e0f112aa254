"""`vipforge` with the stand-ins as its vendors: `python -m tests.standins.vipforge VENDOR image SPEC …`.

Only what a vendor publishes differs: the digests of its media, and the fingerprint of its key. VENDOR is a folder.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path

from builder import sources
from builder.__main__ import main
from builder.core.files import sha256
from builder.sources import Pin
from tests.standins.kinds import KINDS
from tests.standins.vendor import Vendor


def stand_in(vendor: Vendor) -> None:
    """Let every guest of the RPM family come from the vendor."""
    published = sources.all_pins
    media = {**{f"{kind.guest}-cloud": vendor.disk(kind.guest) for kind in KINDS}, "centos7-minimal": vendor.medium}

    @cache
    def all_pins() -> tuple[Pin, ...]:
        return tuple(_instead(each, media[each.name]) if each.name in media else each for each in published())

    sources.all_pins = all_pins
    for kind in KINDS:
        module = import_module(f"builder.guests.{kind.guest}")
        repositories = replace(module.GUEST.repositories, fingerprint=vendor.fingerprint)
        module.GUEST = replace(module.GUEST, repositories=repositories)


def _instead(published: Pin, path: Path) -> Pin:
    own = {"file": path.name, "size": path.stat().st_size, "algorithm": "sha256", "digest": sha256(path)}
    return replace(published, **own, urls=())


if __name__ == "__main__":
    stand_in(Vendor(Path(sys.argv.pop(1))))
    main()
