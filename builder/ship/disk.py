"""The appliance's disk in the formats of other hypervisors (qemu-img)."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from builder.run import Argv, contain, need, run

CONVERT_SECONDS = 30 * 60

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
    run(contain(command), timeout=CONVERT_SECONDS, hint="is it a whole image, and is the disk full?")
