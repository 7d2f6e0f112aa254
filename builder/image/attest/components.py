"""The components of an SBOM, in the form in which scanners recognize an operating system and its packages.

Distributions publish vulnerabilities by source package, and most binary packages have another name than their source.
Each scanner reads the source from a place of its own:

- Grype, through Syft: the package URL (`upstream`, `distro`), and properties that begin with `syft:`
  (syft/format/internal/cyclonedxutil/helpers in Syft, grype/pkg/purl_provider.go in Grype)
- Trivy: properties that begin with `aquasecurity:trivy:`, and the operating system, without which it ignores packages
  (pkg/sbom/io/decode.go in Trivy)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from packageurl import PackageURL

from builder.guests import Facts
from builder.image.attest.licenses import cyclonedx_licenses
from builder.image.packages import InstalledPackage, from_record

LICENSES = MappingProxyType({"haproxy": "GPL-2.0-or-later", "keepalived": "GPL-2.0-or-later", "vipforge": "MIT"})
"""SPDX licenses of the components that are in no package."""
CPES = MappingProxyType({name: f"cpe:2.3:a:{name}:{name}:{{}}:*:*:*:*:*:*:*" for name in ("haproxy", "keepalived")})
"""The names of these programs in the National Vulnerability Database, by which scanners know what is in no package."""
TRIVY_FAMILIES = MappingProxyType({"almalinux": "alma"})
"""Trivy's names of operating systems (pkg/fanal/types/const.go) that differ from `ID` in os-release."""
SYFT_TYPES = MappingProxyType({"deb": "dpkg-db-entry", "rpm": "rpm-db-entry"})
"""Syft's names for what it knows about a package (internal/packagemetadata/names.go)."""
KEYS = "gpg-pubkey"
"""How rpm lists the keys that it trusts; they are no software."""
DEBIAN_VERSION = re.compile(r"(?:(?P<epoch>\d+):)?(?P<version>.+?)(?:-(?P<release>[^-]*))?")
"""Policy, section 5.6.12."""


def operating_system(facts: Facts) -> Component:
    """The guest. Trivy knows it by its name, Syft by the `ID` of os-release in a property."""
    family = TRIVY_FAMILIES.get(facts.os_id, facts.os_id)
    return Component(
        name=family,
        version=facts.os_version,
        type=ComponentType.OPERATING_SYSTEM,
        bom_ref=f"os:{family}-{facts.os_version}",
        properties=_properties(
            {
                "aquasecurity:trivy:Type": family,
                "aquasecurity:trivy:Class": "os-pkgs",
                "syft:distro:id": facts.os_id,
                "syft:distro:prettyName": facts.full_title or facts.title,
                "syft:distro:versionID": facts.os_version,
            }
        ),
    )


def packages(manifest: Mapping[str, Any], facts: Facts | None) -> Iterator[Component]:
    """The guest's packages; those of a guest that this release does not know have generic package URLs."""
    for name, package in sorted(from_record(manifest).items()):
        if name == KEYS:
            continue
        if facts is None:
            yield _library(name, package.version, PackageURL("generic", None, name, package.version))
        else:
            yield _package(name, package, facts)


def _package(name: str, package: InstalledPackage, facts: Facts) -> Component:
    qualifiers = {
        "arch": package.arch,
        "distro": f"{facts.os_id}-{facts.os_version}",
        "epoch": package.epoch,
        "upstream": _upstream(name, package, facts),
    }
    known = {key: value for key, value in qualifiers.items() if value}
    component = _library(
        name, package.version, PackageURL(facts.family, facts.os_id, name, package.version, qualifiers=known)
    )
    component.licenses = list(cyclonedx_licenses(package.licenses))
    component.properties = _properties(_for_trivy(name, package, facts) | _for_syft(name, package, facts))
    return component


def _upstream(name: str, package: InstalledPackage, facts: Facts) -> str:
    """The source package in the form that Syft gives it in a package URL."""
    if facts.family == "rpm":
        return _source_rpm(package)
    return f"{package.source}@{package.source_version}" if _has_another_source(name, package) else ""


def _has_another_source(name: str, package: InstalledPackage) -> bool:
    """Whether the source has another name, or another version, as that of a package that was only compiled again."""
    return package.source != "" and (package.source, package.source_version) != (name, package.version)


def _source_rpm(package: InstalledPackage) -> str:
    return f"{package.source}-{package.source_version}.src.rpm" if package.source else ""


def _for_trivy(name: str, package: InstalledPackage, facts: Facts) -> dict[str, str]:
    """Trivy has the parts of a version apart, and compares versions of the source."""
    whole = package.source_version or package.version
    match = DEBIAN_VERSION.fullmatch(whole)
    epoch = package.epoch if facts.family == "rpm" else match and match["epoch"]
    return {
        f"aquasecurity:trivy:{key}": value or ""
        for key, value in {
            "PkgType": TRIVY_FAMILIES.get(facts.os_id, facts.os_id),
            "SrcName": package.source or name,
            "SrcVersion": match["version"] if match else whole,
            "SrcRelease": match and match["release"],
            "SrcEpoch": epoch if epoch != "0" else "",
        }.items()
    }


def _for_syft(name: str, package: InstalledPackage, facts: Facts) -> dict[str, str]:
    known = {"type": facts.family, "metadataType": SYFT_TYPES[facts.family]}
    if facts.family == "rpm":
        metadata = {"epoch": package.epoch, "sourceRpm": _source_rpm(package)}
    else:
        differs = _has_another_source(name, package)
        metadata = {"source": package.source, "sourceVersion": package.source_version} if differs else {}
    return {f"syft:package:{key}": value for key, value in known.items()} | {
        f"syft:metadata:{key}": value for key, value in metadata.items()
    }


def _properties(values: Mapping[str, str]) -> list[Property]:
    return [Property(name=name, value=value) for name, value in values.items() if value]


def built(manifest: Mapping[str, Any]) -> Iterator[Component]:
    """The components that are in no package: the compiled programs, with the digests of their sources, and vipforge.

    A compiled HAProxy is listed in addition to the guest's own, which is one of its packages.
    """
    sources = manifest["inputs"].get("sources", {})
    for name, version in sorted(manifest["versions"].items()):
        component = _library(name, version, PackageURL("generic", None, name, version))
        component.licenses.add(DisjunctiveLicense(id=LICENSES[name]))
        component.cpe = CPES[name].format(version) if name in CPES else None
        source = sources.get(name)
        if source and source["algorithm"] == "sha256":
            component.hashes.add(HashType(alg=HashAlgorithm.SHA_256, content=source["digest"]))
        yield component


def _library(name: str, version: str, purl: PackageURL) -> Component:
    return Component(name=name, version=version, type=ComponentType.LIBRARY, purl=purl, bom_ref=str(purl))
