"""All papers of an image, written in one go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from builder.files import sha256, write_atomic
from builder.papers import provenance, sbom, signature, sums


def write(folder: Path, manifest: dict[str, Any], *, manifest_name: str) -> None:
    """Put SBOM, provenance and, last of all, SHA256SUMS beside the image and its manifest.

    A signature stays while what it covers stays.
    """
    write_atomic(folder / sbom.NAME, sbom.sbom(manifest))
    write_atomic(folder / provenance.NAME, provenance.provenance(manifest))
    written = {name: sha256(folder / name) for name in (manifest_name, sbom.NAME, provenance.NAME)}
    listed = sums.text({manifest["image"]: manifest["sha256"], **written})
    path = folder / sums.NAME
    if path.is_file() and path.read_text(errors="replace") == listed:
        return
    signature.withdraw(folder)
    write_atomic(path, listed)
