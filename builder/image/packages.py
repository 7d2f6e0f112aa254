"""The packages of an image: versions, architectures, sources and licenses, from dpkg's files or from rpm's answers."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

STATUS = "var/lib/dpkg/status"
DOCUMENTS = PurePosixPath("usr/share/doc")
COPYRIGHT = "copyright"
FORMAT = re.compile(r"\s*Format(-Specification)?:")
"""How a machine-readable copyright file begins (DEP 5)."""
FILES_LICENSE = re.compile(r"^Files:.*?^License:[ \t]*(\S[^\n]*)", re.MULTILINE | re.DOTALL)
"""The short name of a license in a paragraph about files; paragraphs without files only have the texts of licenses."""
COMMON_LICENSE = re.compile(r"/usr/share/(common-licenses/[A-Za-z][\w.-]*\w)")
"""A reference to the text of a license (policy, section 12.5); it does not say whether a later version will do."""
RPM_FIELDS = ("name", "version", "arch", "epoch", "source_rpm", "license")
"""The columns that packer/provision/rpm/80-packages.sh writes."""
NONE = "(none)"


@dataclass(frozen=True)
class InstalledPackage:
    """One package. Of a package that is known by its version only, the other fields are empty."""

    version: str
    """EPOCH:UPSTREAM-REVISION of a Debian package, without what it lacks; VERSION-RELEASE of an RPM package."""
    arch: str = ""
    epoch: str = ""
    """The epoch of an RPM package, which is no part of its version."""
    source: str = ""
    """The name of the source package, by which distributions publish vulnerabilities."""
    source_version: str = ""
    licenses: tuple[str, ...] = ()
    """In the package's own words: short names of DEP 5, files in /usr/share/common-licenses, or RPM's tag License."""

    @property
    def facts(self) -> dict[str, Any]:
        """Everything but the version, for a record in JSON."""
        known = {name: value for name, value in asdict(self).items() if value and name != "version"}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in known.items()}


Packages = dict[str, InstalledPackage]
"""The packages by name."""


def as_record(packages: Mapping[str, InstalledPackage]) -> dict[str, Any]:
    """The packages as JSON: their versions, and apart from these what else is known about each."""
    return {
        "packages": {name: each.version for name, each in packages.items()},
        "package_facts": {name: each.facts for name, each in packages.items()},
    }


def from_record(recorded: Mapping[str, Any]) -> Packages:
    """The packages in a record; those of a manifest of an earlier release have versions only."""
    facts = recorded.get("package_facts", {})
    return {
        name: InstalledPackage(version, **_with_tuples(facts.get(name, {})))
        for name, version in recorded.get("packages", {}).items()
    }


def _with_tuples(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()}


def from_root(tar: Path) -> Packages:
    """The packages of a Debian root in a tar, from dpkg's status file and the packages' copyright files."""
    status, copyrights = "", {}
    with tarfile.open(tar) as root:
        for member in root:
            path = PurePosixPath(member.name)
            if path == PurePosixPath(STATUS):
                status = _text(root, member)
            elif path.parent.parent == DOCUMENTS and path.name == COPYRIGHT:
                copyrights[path.parent.name] = _text(root, member)
    return from_dpkg(status, copyrights)


def _text(root: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    file = root.extractfile(member) if member.isfile() else None
    return file.read().decode(errors="replace") if file else ""


def from_dpkg(status: str, copyrights: Mapping[str, str]) -> Packages:
    """The installed packages in dpkg's status file; `copyrights` are their copyright files, by package.

    A package without one, whose documents are a link to another package's, has the licenses of its source.
    """
    found = {each["Package"]: _debian_package(each) for each in _stanzas(status)}
    known = {name: replace(each, licenses=licenses(copyrights.get(name, ""))) for name, each in found.items()}
    by_source = {each.source: each.licenses for each in known.values() if each.licenses}
    return {
        name: each if each.licenses else replace(each, licenses=by_source.get(each.source, ()))
        for name, each in known.items()
    }


def _stanzas(status: str) -> Iterator[dict[str, str]]:
    for part in status.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Status|Version|Architecture|Source): (.*)$", part, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            yield fields


def _debian_package(fields: Mapping[str, str]) -> InstalledPackage:
    """`Source` is left out if it would repeat name and version, and is `NAME (VERSION)` if the versions differ."""
    name, _, version = fields.get("Source", fields["Package"]).partition(" ")
    source_version = version.strip("()") or fields["Version"]
    return InstalledPackage(
        fields["Version"], fields.get("Architecture", ""), source=name, source_version=source_version
    )


def licenses(text: str) -> tuple[str, ...]:
    """The licenses in a copyright file, in its order: short names, or else references to common licenses."""
    found = _short_names(text) if FORMAT.match(text) else COMMON_LICENSE.findall(text)
    return tuple(dict.fromkeys(found))


def _short_names(text: str) -> Iterable[str]:
    paragraphs = re.split(r"\n\s*\n", text)
    matches = (FILES_LICENSE.search(paragraph) for paragraph in paragraphs)
    return (match[1].strip() for match in matches if match)


def from_rpm(listing: str) -> Packages:
    """The packages in a listing: per line the RPM_FIELDS, separated by tabs."""
    rows = (dict(zip(RPM_FIELDS, line.split("\t"), strict=True)) for line in listing.splitlines())
    return {row["name"]: _rpm_package(row) for row in rows}


def _rpm_package(row: Mapping[str, str]) -> InstalledPackage:
    """A key for signatures is listed as a package, too, but has neither source nor architecture."""
    known = {name: "" if value == NONE else value for name, value in row.items()}
    source, _, release = known["source_rpm"].removesuffix(".src.rpm").rpartition("-")
    name, _, version = source.rpartition("-")
    return InstalledPackage(
        known["version"],
        known["arch"],
        known["epoch"],
        source=name,
        source_version=f"{version}-{release}" if name else "",
        licenses=(known["license"],) if known["license"] else (),
    )
