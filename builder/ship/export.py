"""`vipforge export`: an image in the form that a hypervisor takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from builder import files
from builder.bake import manifest
from builder.bake.image import virtual_size
from builder.errors import UserError
from builder.progress import step
from builder.ship import disk, ova, ovf
from builder.ship.machine import OvfMachine, system

Form = Literal["ova", "vmdk", "raw", "vhdx"]


def export(image: Path, to: Form, output: Path | None = None) -> Path:
    """Write the image as `to`, beside it or to `output`, in one step; returns where it lies.

    Raises UserError where there is no image, and CommandFailed where qemu-img fails; an older export stays then.
    """
    if not image.is_file():
        raise UserError(f"{image} is no image", hint="name build/CLUSTER/appliance.qcow2, as `vipforge image` made it")
    target = (output or image.with_suffix(f".{to}")).absolute()
    if target == image.absolute():
        raise UserError(f"{target} is the image itself", hint="name another file with --output")
    with step(f"writing {target.name}"), _folder_beside(target) as work:
        made = work / target.name
        if to == "ova":
            _ova(image, made)
        else:
            disk.convert(image, made, to)
        files.publish(made, target)
    return target


@contextmanager
def _folder_beside(target: Path) -> Iterator[Path]:
    """A folder to work in on the target's file system, with what a killed export left there removed."""
    parent = target.parent / ".export"
    with files.workspace(parent, target.name) as work:
        yield work
    with suppress(OSError):  # another export may be at work in it
        parent.rmdir()


def _ova(image: Path, target: Path) -> None:
    vmdk = target.with_name(f"{target.stem}-disk1.vmdk")
    disk.convert(image, vmdk, "vmdk")
    ova.pack(target, ovf.descriptor(described(image, vmdk)), vmdk)


def described(image: Path, vmdk: Path) -> OvfMachine:
    """The machine of the image; a bare disk without a manifest is any Linux, named after its file."""
    known = manifest.read(image.parent) or {}
    return OvfMachine(
        name=known.get("cluster", image.stem),
        system=system(known.get("guest", "")),
        version=known.get("key", "")[:16] or "0",
        disk_file=vmdk.name,
        file_size=vmdk.stat().st_size,
        capacity=virtual_size(image),
    )
