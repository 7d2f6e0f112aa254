"""Images for other hypervisors: converted disks, and an OVA that holds one."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from builder.core import files, paths
from builder.core.errors import UserError
from builder.core.files import sha256, together
from builder.core.progress import step
from builder.deploy import ovf
from builder.deploy.ovf import OvfMachine, system
from builder.image import manifest
from builder.image.manifest import virtual_size
from builder.seed.seed import write_seeds
from builder.seed.transports import Transport, nocloud
from builder.spec.load import load

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
            manifest.convert(image, made, to)
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
    manifest.convert(image, vmdk, "vmdk")
    pack(target, ovf.descriptor(described(image, vmdk)), vmdk)


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


def pack(target: Path, descriptor: str, disk: Path) -> None:
    """Write the OVA; the entry of the disk is named after its file, those of the others after the OVA."""
    name = target.stem
    manifest = _manifest({f"{name}.ovf": hashlib.sha256(descriptor.encode()).hexdigest(), disk.name: sha256(disk)})
    with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as tar:
        _add_text(tar, f"{name}.ovf", descriptor)
        _add_text(tar, f"{name}.mf", manifest)
        with disk.open("rb") as content:
            tar.addfile(_entry(disk.name, disk.stat().st_size), content)


def _manifest(digests: dict[str, str]) -> str:
    return "".join(f"SHA256({name})= {digest}\n" for name, digest in digests.items())


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    data = text.encode()
    tar.addfile(_entry(name, len(data)), io.BytesIO(data))


def _entry(name: str, size: int) -> tarfile.TarInfo:
    """An entry that says nothing of the host and the hour, so that the same image gives the same OVA."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    return entry


def write_specs(
    specs: Sequence[Path], to: Path | None, *, transport: Transport = nocloud.ISO
) -> dict[str, dict[str, Path]]:
    """Write the seeds of all specs, or none; by cluster and node, the seed's file or folder.

    Of one spec they go to `to`, of several to a folder each in it; without `to`, to build/CLUSTER/seeds. Raises
    UserError where two specs have one cluster's name, or the transport would show a secret to others.
    """
    made: dict[str, dict[str, Path]] = {}
    with together() as files:
        for spec in specs:
            cluster = load(spec)
            if cluster.cluster in made:
                raise UserError(
                    f"{spec}: another spec is of cluster {cluster.cluster}, too", hint="rename one of them"
                )
            own = to / cluster.cluster if to and len(specs) > 1 else to
            folder = own or paths.build_folder(cluster.cluster, "seeds")
            made[cluster.cluster] = write_seeds(cluster, manifest.facts(cluster), folder, files, transport=transport)
    return made
