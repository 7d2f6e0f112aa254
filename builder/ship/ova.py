"""An OVA: one tar of descriptor, manifest and disk, in this order (DSP0243, section 6.4), as ovftool reads it."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

from builder.files import sha256


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
