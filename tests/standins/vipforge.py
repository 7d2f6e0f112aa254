"""`vipforge` whose vendors are the stand-ins: `python -m tests.standins.vipforge VENDOR image SPEC …`.

Only what a vendor publishes is another: the digests of its media and the fingerprint of its key. VENDOR is the folder.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from builder.__main__ import main
from builder.files import sha256
from builder.guests import centos7, rocky9
from builder.sources.pins import Pin
from tests.standins.vendor import Vendor


def _pin(guest: str, path: Path) -> Pin:
    return Pin(f"{guest}-standin", "1", path.name, path.stat().st_size, "sha256", sha256(path), ())


def stand_in(vendor: Vendor) -> None:
    """Let both guests come from the vendor."""
    for module in (centos7, rocky9):
        guest = module.GUEST
        name = guest.facts.name
        repositories = replace(guest.repositories, fingerprint=vendor.fingerprint)
        media = {"disk": vendor.disk(name), "installer": vendor.medium}
        pins = {medium: _pin(name, media[medium]) for medium in guest.pins if media[medium].exists()}
        facts = replace(guest.facts, repositories=repositories)
        module.GUEST = replace(guest, facts=facts, repositories=repositories, pins=pins)


if __name__ == "__main__":
    stand_in(Vendor(Path(sys.argv.pop(1))))
    main()
