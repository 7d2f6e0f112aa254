"""What is said of an image in standard formats: an SBOM (CycloneDX), its provenance (SLSA), and SHA256SUMS."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot5
from packageurl import PackageURL

from builder.core.errors import UserError
from builder.core.files import sha256, write_atomic
from builder.guests import all_guests

CHECKSUMS_NAME = "SHA256SUMS"
MINISIGN, GPG = f"{CHECKSUMS_NAME}.minisig", f"{CHECKSUMS_NAME}.asc"


def checksum_lines(digests: Mapping[str, str]) -> str:
    """The file's text, in the order of the names."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))


def read_checksums(folder: Path) -> dict[str, str]:
    """File name to digest; raises UserError where there is no such file, or one with another content."""
    path = folder / CHECKSUMS_NAME
    if not path.is_file():
        raise UserError(f"{path} is missing", hint="`vipforge image SPEC` writes an image's papers")
    lines = [line.split("  ", 1) for line in path.read_text(errors="replace").splitlines()]
    if any(len(parts) != len(("digest", "name")) or "/" in parts[-1] for parts in lines):
        raise UserError(f"{path} is damaged", hint="`vipforge image SPEC` writes it again")
    return {name: digest for digest, name in lines}


def differing(folder: Path) -> list[str]:
    """The files that are missing, or whose digest is another one."""
    return [name for name, digest in read_checksums(folder).items() if not _is(folder / name, digest)]


def _is(path: Path, digest: str) -> bool:
    return path.is_file() and sha256(path) == digest


SBOM_NAME = "sbom.cdx.json"
SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:vipforge:sbom")
LICENSES = MappingProxyType({"haproxy": "GPL-2.0-or-later", "keepalived": "GPL-2.0-or-later", "vipforge": "MIT"})
"""Of what is in no package, by the names of SPDX."""


def sbom(manifest: dict[str, Any]) -> str:
    """The bill as JSON. Its time is the bake's, its serial number follows from the image's digest."""
    image = _image(manifest)
    parts = [*_packages(manifest), *_built(manifest)]
    bom = Bom(
        components=parts,
        serial_number=uuid.uuid5(SPACE, manifest["sha256"]),
        metadata=BomMetaData(component=image, timestamp=datetime.fromisoformat(manifest["made"])),
        dependencies=[Dependency(image.bom_ref, [Dependency(part.bom_ref) for part in parts])],
    )
    return json.dumps(json.loads(JsonV1Dot5(bom).output_as_string()), indent=2, sort_keys=True) + "\n"


def _image(manifest: dict[str, Any]) -> Component:
    return Component(
        name=manifest["cluster"],
        version=manifest["key"],
        type=ComponentType.OPERATING_SYSTEM,
        bom_ref=f"image:{manifest['sha256']}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=manifest["sha256"])],
    )


def _packages(manifest: dict[str, Any]) -> Iterator[Component]:
    facts = all_guests().get(manifest["guest"])
    kind, namespace = (facts.family, facts.os_id) if facts else ("generic", None)
    for name, version in sorted(manifest["packages"].items()):
        yield _component(name, version, PackageURL(kind, namespace, name, version))


def _built(manifest: dict[str, Any]) -> Iterator[Component]:
    """What is in no package: the compiled programs, with the digests of their sources, and our own files.

    A compiled HAProxy lies beside the guest's own, which is in the list of its packages.
    """
    sources = manifest["inputs"].get("sources", {})
    for name, version in sorted(manifest["versions"].items()):
        made = _component(name, version, PackageURL("generic", None, name, version))
        made.licenses.add(DisjunctiveLicense(id=LICENSES[name]))
        source = sources.get(name)
        if source and source["algorithm"] == "sha256":
            made.hashes.add(HashType(alg=HashAlgorithm.SHA_256, content=source["digest"]))
        yield made


def _component(name: str, version: str, purl: PackageURL) -> Component:
    return Component(name=name, version=version, type=ComponentType.LIBRARY, purl=purl, bom_ref=str(purl))


PROVENANCE_NAME = "provenance.intoto.json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:vipforge:bake:1"


def provenance(manifest: dict[str, Any]) -> str:
    """The statement as JSON; it is unsigned, SHA256SUMS and its signature cover it."""
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
    """What went in, each with its digest: the foundation, the cluster's files, the steps, the sources."""
    scripts = [(f"provision/{name}", digest) for name, digest in sorted(inputs["provision_sha256"].items())]
    made = [("foundation", inputs["foundation"]["sha256"]), ("payload", inputs["payload_sha256"]), *scripts]
    sources = [
        {"name": each["file"], "digest": {each["algorithm"]: each["digest"]}}
        for _, each in sorted(inputs.get("sources", {}).items())
    ]
    return [*({"name": name, "digest": {"sha256": digest}} for name, digest in made), *sources]


def _run(manifest: dict[str, Any]) -> dict[str, Any]:
    version = manifest["versions"]["vipforge"]
    return {
        "builder": {"id": "urn:vipforge:builder", "version": {"vipforge": version, **manifest.get("tools", {})}},
        "metadata": {"invocationId": manifest["key"], "finishedOn": manifest["made"]},
    }


def write_documents(folder: Path, manifest: dict[str, Any], *, manifest_name: str) -> None:
    """Put SBOM, provenance and, last of all, SHA256SUMS beside the image and its manifest.

    A signature stays while what it covers stays.
    """
    write_atomic(folder / SBOM_NAME, sbom(manifest))
    write_atomic(folder / PROVENANCE_NAME, provenance(manifest))
    written = {name: sha256(folder / name) for name in (manifest_name, SBOM_NAME, PROVENANCE_NAME)}
    listed = checksum_lines({manifest["image"]: manifest["sha256"], **written})
    path = folder / CHECKSUMS_NAME
    if path.is_file() and path.read_text(errors="replace") == listed:
        return
    withdraw(folder)
    write_atomic(path, listed)


def withdraw(folder: Path) -> None:
    """Remove the signatures of what is about to be replaced."""
    for name in (MINISIGN, GPG):
        (folder / name).unlink(missing_ok=True)
