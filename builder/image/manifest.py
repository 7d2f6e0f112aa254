"""The image in its folder: the file, compressed and converted, and manifest.json, which says what it is."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

from builder.core import paths
from builder.core.files import is_intact, write_atomic
from builder.core.run import Argv, contain, need, run
from builder.guests import Facts, all_guests
from builder.image.foundations import choose
from builder.spec.model import Cluster

IMAGE = "appliance.qcow2"
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


DISK_CONVERT_SECONDS = 30 * 60

FORMATS = MappingProxyType(
    {
        # PVSCSI is no adapter type of the format; lsilogic is what VMware's own tools write for it.
        "vmdk": ("-O", "vmdk", "-o", "subformat=streamOptimized,adapter_type=lsilogic"),
        "raw": ("-O", "raw"),
        "vhdx": ("-O", "vhdx", "-o", "subformat=dynamic"),
    }
)
"""A format's name, and what qemu-img writes it with."""


def convert(image: Path, target: Path, to: str) -> None:
    """Write the disk of `image`, a qcow2, to `target` in one of FORMATS; raises CommandFailed in qemu-img's words."""
    command: Argv = [need("qemu-img", "qemu-utils"), "convert", "-f", "qcow2", *FORMATS[to], image, target]
    run(contain(command), timeout=DISK_CONVERT_SECONDS, hint="is it a whole image, and is the disk full?")


NAME = "manifest.json"


def write(folder: Path, manifest: dict[str, Any]) -> None:
    """Put the manifest beside the image that it describes."""
    write_atomic(folder / NAME, json.dumps(manifest, indent=2, sort_keys=True) + "\n")


def read(folder: Path) -> dict[str, Any] | None:
    """The manifest in `folder`, or None where there is none that can be read."""
    try:
        found = json.loads((folder / NAME).read_text())
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    return found if isinstance(found, dict) else None


def is_whole(manifest: dict[str, Any], image: Path) -> bool:
    """Whether `image` is still as it was made (builder.core.files)."""
    return is_intact(image.parent, {image.name: manifest.get("sha256", "")})


def facts(cluster: Cluster) -> Facts:
    """The facts of the guest in the cluster's image; without an image, of the guest that a bake would choose."""
    guest = (read(paths.build_folder(cluster.cluster)) or {}).get("guest")
    return all_guests()[guest] if guest in all_guests() else choose(cluster).facts
