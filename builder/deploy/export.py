"""Exports: an image as a converted disk or as an OVA, and the seeds of several clusters."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from builder.core import files, paths
from builder.core.errors import InvalidOption
from builder.core.files import file_batch, sha256
from builder.core.progress import step
from builder.deploy import ovf
from builder.deploy.hypervisor import MEMORY_MIB
from builder.deploy.ovf import OvfMachine, system
from builder.image import manifest
from builder.image.manifest import virtual_size
from builder.seed.network import Known, spec_addresses
from builder.seed.seed import write_seeds
from builder.seed.transports import Transport, nocloud
from builder.spec.model import Cluster

ExportFormat = Literal["ova", "vmdk", "raw", "vhdx"]


def export(image: Path, to: ExportFormat, output: Path | None = None) -> Path:
    """Convert the image to the format `to` and return the path written: `output`, or a file beside the image.

    Raises InvalidOption if there is no image, and CommandFailed if qemu-img fails. An existing export is replaced
    only by a complete new one.
    """
    manifest.require_image(image)
    target = (output or image.with_suffix(f".{to}")).absolute()
    if target == image.absolute():
        raise InvalidOption(f"{target} is the image itself", hint="choose another file with --output")
    with step(f"writing {target.name}"), _work_folder(target) as work:
        written = work / target.name
        if to == "ova":
            _convert_to_ova(image, written)
        else:
            manifest.convert(image, written, to)
        files.publish(written, target)
    return target


@contextmanager
def _work_folder(target: Path) -> Iterator[Path]:
    """Provide a temporary folder on the target's file system, cleared of what a killed export left there."""
    parent = target.parent / ".export"
    with files.workspace(parent, target.name) as work:
        yield work
    with suppress(OSError):  # another export may be using it
        parent.rmdir()


def _convert_to_ova(image: Path, target: Path) -> None:
    vmdk = target.with_name(f"{target.stem}-disk1.vmdk")
    manifest.convert(image, vmdk, "vmdk")
    write_ova(target, ovf.descriptor(ovf_machine(image, vmdk)), vmdk)


def ovf_machine(image: Path, vmdk: Path) -> OvfMachine:
    """Describe the image as a machine; without a manifest it is a generic Linux named after the image file."""
    record = manifest.read(image.parent) or {}
    return OvfMachine(
        name=record.get("cluster", image.stem),
        system=system(record.get("guest", "")),
        version=record.get("key", "")[:16] or "0",
        disk_file=vmdk.name,
        file_size=vmdk.stat().st_size,
        capacity=virtual_size(image),
        memory=record.get("memory_mib", MEMORY_MIB),
    )


def write_ova(target: Path, descriptor: str, disk: Path) -> None:
    """Write the OVA; the disk's entry is named after the disk file, the other entries are named after the OVA."""
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
    """Return an entry without owner and time, so that the same image always gives the same OVA."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    return entry


def write_clusters(
    clusters: Sequence[Cluster], to: Path | None, *, transport: Transport = nocloud.ISO, known: Known = spec_addresses
) -> dict[str, dict[str, Path]]:
    """Write the seeds of all clusters or, if one fails, of none; return their paths by cluster and node.

    One cluster's seeds go to `to`; with several clusters, each gets `to`/CLUSTER. Without `to`, the folder is
    build/CLUSTER/seeds. Raises UserError if the transport would expose a secret.
    `known` returns the hardware addresses of a node's machine.
    """
    with file_batch() as files:
        return {
            each.cluster: write_seeds(
                each,
                manifest.facts(each),
                _folder(each, to, len(clusters) > 1),
                files,
                transport=transport,
                known=known,
            )
            for each in clusters
        }


def _folder(cluster: Cluster, to: Path | None, several: bool) -> Path:
    if to is None:
        return paths.build_folder(cluster.cluster, "seeds")
    return to / cluster.cluster if several else to
