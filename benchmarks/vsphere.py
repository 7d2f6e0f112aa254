"""Plan, deploy and plan again a hundred clusters with one image in a simulated vCenter.

    .venv/bin/python -m benchmarks.vsphere [NUMBER]

The image should be uploaded once. The simulator answers immediately, so the times are vipforge's own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from benchmarks.seeds import clusters
from builder.core.files import sha256
from builder.core.progress import carry_out
from builder.deploy.vsphere import VsphereOptions
from builder.deploy.vsphere.deploy import deployment
from builder.deploy.vsphere.node import Destination
from builder.deploy.vsphere.session import connected
from builder.deploy.vsphere.site import find_site
from tests.vcenter import build_simulator, start_simulator

MIB = 1 << 20
T = TypeVar("T")


def main() -> None:
    """Deploy and print the duration of each part."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    specs = list(clusters(number))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image = _image(folder)
        with start_simulator(build_simulator(folder)) as vcenter, connected(vcenter.login) as service:
            options = VsphereOptions(vcenter.login.server, vcenter.login.user, network="VM Network")
            destination = Destination(find_site(service, options), vcenter.login)
            first = _timed("planned", lambda: deployment(specs, destination, image=image))
            uploads = sum(step.what.startswith("template ") for step in first)
            _timed("deployed", lambda: carry_out(first))
            again = _timed("planned again", lambda: deployment(specs, destination, image=image))
    pending = sum(not step.ready for step in again)
    print(f"{number} clusters, {len(first)} steps, {uploads} upload; {pending} steps left for a second run")


def _timed(what: str, work: Callable[[], T]) -> T:
    began = time.monotonic()
    done = work()
    print(f"{what}: {time.monotonic() - began:.1f} s", flush=True)
    return done


def _image(folder: Path) -> Path:
    """A disk of 8 MiB in place of an image, with a manifest."""
    raw, image = folder / "raw", folder / "appliance.qcow2"
    raw.write_bytes(os.urandom(MIB) + bytes(7 * MIB))
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", raw, image], check=True)
    record = {"guest": "debian12", "size": image.stat().st_size, "virtual_size": 8 * MIB, "sha256": sha256(image)}
    (folder / "manifest.json").write_text(json.dumps(record))
    return image


if __name__ == "__main__":
    main()
