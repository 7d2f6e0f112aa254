"""The image in its folder: compressing and converting its file, and manifest.json, which describes it."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

from builder.core import paths
from builder.core.errors import InvalidOption
from builder.core.files import is_intact, write_atomic
from builder.core.run import Argv, contain, need, run
from builder.guests import Facts, all_guests
from builder.image.foundations import choose
from builder.spec.model import Cluster

IMAGE = "appliance.qcow2"
NAME = "manifest.json"
COMPRESS_SECONDS = 15 * 60
CONVERT_SECONDS = 30 * 60
FORMATS = MappingProxyType(
    {
        # The format has no adapter type for PVSCSI; VMware's own tools write lsilogic for it.
        "vmdk": ("-O", "vmdk", "-o", "subformat=streamOptimized,adapter_type=lsilogic"),
        "raw": ("-O", "raw"),
        "vhdx": ("-O", "vhdx", "-o", "subformat=dynamic"),
    }
)
"""qemu-img's options for each format of `convert`."""


def compress(disk: Path, target: Path) -> Path:
    """Write `disk` as a zstd-compressed qcow2 without a backing file, which QEMU 5.1 and later can read."""
    qemu_img = need("qemu-img", "qemu-utils")
    options = ["-O", "qcow2", "-c", "-o", "compression_type=zstd", "-W", "-m", "4"]
    run(contain([qemu_img, "convert", *options, disk, target]), timeout=COMPRESS_SECONDS, hint="is the disk full?")
    return target


def virtual_size(disk: Path) -> int:
    """The size of the disk in the guest, in bytes."""
    done = run([need("qemu-img", "qemu-utils"), "info", "--output=json", disk], timeout=60)
    return int(json.loads(done.out)["virtual-size"])


def convert(image: Path, target: Path, to: str) -> None:
    """Write the disk of `image`, a qcow2, to `target` in one of FORMATS; raises CommandFailed if qemu-img fails."""
    command: Argv = [need("qemu-img", "qemu-utils"), "convert", "-f", "qcow2", *FORMATS[to], image, target]
    run(contain(command), timeout=CONVERT_SECONDS, hint="is the image intact, and is the disk full?")


def write(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest of the image in `folder`."""
    write_atomic(folder / NAME, json.dumps(manifest, indent=2, sort_keys=True) + "\n")


def require_image(path: Path) -> None:
    """Raise InvalidOption if a path of the command line is not a file."""
    if not path.is_file():
        hint = f"name the file that `vipforge image` wrote: build/CLUSTER/{IMAGE}"
        raise InvalidOption(f"{path} is not an image", hint=hint)


def read(folder: Path) -> dict[str, Any] | None:
    """The manifest in `folder`; None if there is none or it is unreadable."""
    try:
        manifest = json.loads((folder / NAME).read_text())
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    return manifest if isinstance(manifest, dict) else None


def is_whole(manifest: dict[str, Any], image: Path) -> bool:
    """Whether `image` is unchanged since the bake (builder.core.files)."""
    return is_intact(image.parent, {image.name: manifest.get("sha256", "")})


def facts(cluster: Cluster) -> Facts:
    """The facts of the guest in the cluster's image, or of the guest that a bake would choose if there is no image."""
    guest = (read(paths.build_folder(cluster.cluster)) or {}).get("guest")
    return all_guests()[guest] if guest in all_guests() else choose(cluster).facts
