"""Attestations of an image in standard formats: an SBOM (CycloneDX), its provenance (SLSA), and SHA256SUMS."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.output.json import JsonV1Dot5

from builder.core.errors import UserError
from builder.core.files import sha256, write_atomic
from builder.guests import all_guests
from builder.image.attest import components

CHECKSUMS_NAME = "SHA256SUMS"
MINISIGN, GPG = f"{CHECKSUMS_NAME}.minisig", f"{CHECKSUMS_NAME}.asc"
SBOM_NAME = "sbom.cdx.json"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:vipforge:sbom")
PROVENANCE_NAME = "provenance.intoto.json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:vipforge:bake:1"


def checksum_lines(digests: Mapping[str, str]) -> str:
    """The text of SHA256SUMS, in the order of the names."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))


def read_checksums(folder: Path) -> dict[str, str]:
    """The digests in SHA256SUMS by file name; raises UserError if the file is missing or damaged."""
    path = folder / CHECKSUMS_NAME
    if not path.is_file():
        raise UserError(f"{path} is missing", hint="`vipforge image SPEC` writes the attestations of an image")
    lines = [line.split("  ", 1) for line in path.read_text(errors="replace").splitlines()]
    if any(len(parts) != len(("digest", "name")) or "/" in parts[-1] for parts in lines):
        raise UserError(f"{path} is damaged", hint="`vipforge image SPEC` writes it again")
    return {name: digest for digest, name in lines}


def mismatches(folder: Path) -> list[str]:
    """The files in SHA256SUMS that are missing or have another digest."""
    return [name for name, digest in read_checksums(folder).items() if not _matches(folder / name, digest)]


def _matches(path: Path, digest: str) -> bool:
    return path.is_file() and sha256(path) == digest


def sbom(manifest: dict[str, Any]) -> str:
    """The SBOM as JSON. Its time is that of the bake, and its serial number follows from the image's digest."""
    image, facts = _image(manifest), all_guests().get(manifest["guest"])
    packages, built = list(components.packages(manifest, facts)), list(components.built(manifest))
    system = [components.operating_system(facts)] if facts else []
    depends = {image: [*(system or packages), *built]} | dict.fromkeys(system, packages)
    bom = Bom(
        components=[*system, *packages, *built],
        serial_number=uuid.uuid5(NAMESPACE, manifest["sha256"]),
        metadata=BomMetaData(component=image, timestamp=datetime.fromisoformat(manifest["made"])),
        dependencies=[Dependency(whole.bom_ref, _depending_on(parts)) for whole, parts in depends.items()],
    )
    return json.dumps(json.loads(JsonV1Dot5(bom).output_as_string()), indent=2, sort_keys=True) + "\n"


def _depending_on(parts: Iterable[Component]) -> list[Dependency]:
    return [Dependency(each.bom_ref) for each in parts]


def _image(manifest: dict[str, Any]) -> Component:
    """The image. Trivy has this type for disks of virtual machines, too; only the guest is an operating system."""
    return Component(
        name=manifest["cluster"],
        version=manifest["key"],
        type=ComponentType.CONTAINER,
        bom_ref=f"image:{manifest['sha256']}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=manifest["sha256"])],
    )


def provenance(manifest: dict[str, Any]) -> str:
    """The in-toto statement as JSON. It is unsigned; SHA256SUMS and its signature cover it."""
    statement = {
        "_type": STATEMENT,
        "subject": [{"name": manifest["image"], "digest": {"sha256": manifest["sha256"]}}],
        "predicateType": PREDICATE,
        "predicate": {"buildDefinition": _definition(manifest), "runDetails": _run(manifest)},
    }
    return json.dumps(statement, indent=2, sort_keys=True) + "\n"


def _definition(manifest: dict[str, Any]) -> dict[str, Any]:
    return {
        "buildType": BUILD_TYPE,
        "externalParameters": {"cluster": manifest["cluster"], "specSha256": manifest["inputs"].get("spec_sha256")},
        "internalParameters": {"guest": manifest["guest"], "versions": manifest["versions"]},
        "resolvedDependencies": _dependencies(manifest["inputs"]),
    }


def _dependencies(inputs: dict[str, Any]) -> list[dict[str, Any]]:
    """The inputs of the image with their digests: foundation, payload, provision steps and sources."""
    scripts = [(f"provision/{name}", digest) for name, digest in sorted(inputs["provision_sha256"].items())]
    parts = [("foundation", inputs["foundation"]["sha256"]), ("payload", inputs["payload_sha256"]), *scripts]
    sources = [
        {"name": each["file"], "digest": {each["algorithm"]: each["digest"]}}
        for _, each in sorted(inputs.get("sources", {}).items())
    ]
    return [*({"name": name, "digest": {"sha256": digest}} for name, digest in parts), *sources]


def _run(manifest: dict[str, Any]) -> dict[str, Any]:
    version = manifest["versions"]["vipforge"]
    return {
        "builder": {"id": "urn:vipforge:builder", "version": {"vipforge": version, **manifest.get("tools", {})}},
        "metadata": {"invocationId": manifest["key"], "finishedOn": manifest["made"]},
    }


def write_documents(folder: Path, manifest: dict[str, Any], *, manifest_name: str) -> None:
    """Write the SBOM, the provenance and, last, SHA256SUMS next to the image and its manifest.

    A signature is kept as long as SHA256SUMS stays the same.
    """
    write_atomic(folder / SBOM_NAME, sbom(manifest))
    write_atomic(folder / PROVENANCE_NAME, provenance(manifest))
    written = {name: sha256(folder / name) for name in (manifest_name, SBOM_NAME, PROVENANCE_NAME)}
    listed = checksum_lines({manifest["image"]: manifest["sha256"], **written})
    path = folder / CHECKSUMS_NAME
    if path.is_file() and path.read_text(errors="replace") == listed:
        return
    remove_signatures(folder)
    write_atomic(path, listed)


def remove_signatures(folder: Path) -> None:
    """Remove the signatures of SHA256SUMS before it changes or is signed again."""
    for name in (MINISIGN, GPG):
        (folder / name).unlink(missing_ok=True)
