"""The appliance's disk: one flat, compressed qcow2."""

from __future__ import annotations

import json
from pathlib import Path

from builder.run import contain, need, run

NAME = "appliance.qcow2"
CONVERT_SECONDS = 15 * 60


def flatten(disk: Path, target: Path) -> Path:
    """Write `disk` as a qcow2 without backing file, zstd-compressed (QEMU 5.1 or later reads it)."""
    qemu_img = need("qemu-img", "qemu-utils")
    options = ["-O", "qcow2", "-c", "-o", "compression_type=zstd", "-W", "-m", "4"]
    run(contain([qemu_img, "convert", *options, disk, target]), timeout=CONVERT_SECONDS, hint="is the disk full?")
    return target


def virtual_size(disk: Path) -> int:
    """The size that a guest sees, in bytes."""
    done = run([need("qemu-img", "qemu-utils"), "info", "--output=json", disk], timeout=60)
    return int(json.loads(done.out)["virtual-size"])
