"""The software bill of materials: the guest's packages and what was built for it, as CycloneDX 1.5."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import datetime
from types import MappingProxyType
from typing import Any

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot5
from packageurl import PackageURL

from builder.guests import known

NAME = "sbom.cdx.json"
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
    facts = known().get(manifest["guest"])
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
