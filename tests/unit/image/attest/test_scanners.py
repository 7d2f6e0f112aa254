"""What vulnerability scanners find in an SBOM by their own rules: the operating system, and each package's source.

The rules are those of Trivy (pkg/sbom/io/decode.go) and of Grype, which reads an SBOM through Syft
(syft/format/internal/cyclonedxutil/helpers/decoder.go, grype/pkg/package.go and purl_provider.go).
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from packageurl import PackageURL

from builder.guests import all_guests
from builder.image.attest import sbom
from builder.image.packages import Packages, as_record, from_dpkg, from_rpm

TRIVY_TYPES = {"container", "application", "library", "framework", "operating-system", "platform"}
"""Of another type, Trivy ignores a component, and refuses an SBOM that describes one."""
TRIVY_FAMILIES = {"debian": "debian", "centos": "centos", "rocky": "rocky", "almalinux": "alma"}
GRYPE_DISTRIBUTIONS = set(TRIVY_FAMILIES)
RPMS = """\
bash\t4.2.46-35.el7_9\tx86_64\t(none)\tbash-4.2.46-35.el7_9.src.rpm\tGPLv3+
bind-license\t9.11.4-26.P2.el7_9.16\tnoarch\t32\tbind-9.11.4-26.P2.el7_9.16.src.rpm\tMPLv2.0
gpg-pubkey\tf4a80eb5-53a7ff4b\t(none)\t(none)\t(none)\tpubkey
"""


def properties(component: dict[str, Any], prefix: str) -> dict[str, str]:
    each = {one["name"]: one["value"] for one in component.get("properties", ())}
    return {name.removeprefix(prefix): value for name, value in each.items() if name.startswith(prefix)}


def systems(bill: dict[str, Any]) -> list[dict[str, Any]]:
    every = [bill["metadata"]["component"], *bill["components"]]
    assert {each["type"] for each in every} <= TRIVY_TYPES
    return [each for each in every if each["type"] == "operating-system"]


def guests_packages(bill: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The packages that both scanners count to the operating system: what it depends on, of the type deb or rpm."""
    (system,) = systems(bill)
    (parts,) = [each["dependsOn"] for each in bill["dependencies"] if each["ref"] == system["bom-ref"]]
    return {each["name"]: each for each in bill["components"] if each["bom-ref"] in parts}


def trivy_source(package: dict[str, Any]) -> tuple[str, str]:
    """Name and version of the source: from the properties alone; the version is put together from its parts."""
    found = properties(package, "aquasecurity:trivy:")
    version = "-".join(filter(None, (found["SrcVersion"], found.get("SrcRelease"))))
    return found["SrcName"], f"{found['SrcEpoch']}:{version}" if "SrcEpoch" in found else version


def grype_sources(package: dict[str, Any]) -> set[tuple[str, str]]:
    """Names and versions of the source, from Syft's properties and from the package URL; without any, the package."""
    url, found = PackageURL.from_string(package["purl"]), properties(package, "syft:metadata:")
    qualifiers: dict[str, str] = dict(url.qualifiers)
    upstream, sources = qualifiers.get("upstream", ""), set()
    if url.type == "rpm":
        assert upstream == found["sourceRpm"]
        name, version, release = upstream.removesuffix(".src.rpm").rsplit("-", 2)
        return {(name, f"{version}-{release}")}
    if upstream:
        name, version = upstream.split("@")
        sources.add((name, version))
    if "source" in found:
        sources.add((found["source"], found["sourceVersion"]))
    return sources or {(package["name"], package["version"])}


def bill_of(manifest: dict[str, Any], guest: str, packages: Packages) -> dict[str, Any]:
    return json.loads(sbom({**manifest, "guest": guest, **as_record(packages)}))


@pytest.mark.parametrize("guest", sorted(all_guests()))
def test_both_recognise_the_operating_system(manifest: dict[str, Any], guest: str) -> None:
    facts = all_guests()[guest]
    bill = bill_of(manifest, guest, from_rpm(RPMS))
    (system,) = systems(bill)
    assert (system["name"], system["version"]) == (TRIVY_FAMILIES[facts.os_id], facts.os_version)
    assert facts.os_version.isdigit()
    assert properties(system, "syft:distro:")["id"] in GRYPE_DISTRIBUTIONS
    urls = [PackageURL.from_string(each["purl"]) for each in guests_packages(bill).values()]
    assert {dict(url.qualifiers)["distro"] for url in urls} == {f"{facts.os_id}-{facts.os_version}"}
    assert {(url.type, url.namespace) for url in urls} == {(facts.family, facts.os_id)}


@pytest.mark.real_subprocess
def test_both_find_the_source_of_every_package_that_dpkg_knows_on_this_host(manifest: dict[str, Any]) -> None:
    """dpkg-query judges how we read the file that it reads itself."""
    columns = "${db:Status-Status}\t${Package}\t${Version}\t${source:Package}\t${source:Version}\t${Architecture}\n"
    asked = subprocess.run(["dpkg-query", "-W", "-f", columns], capture_output=True, text=True, check=True).stdout
    rows = [line.split("\t")[1:] for line in asked.splitlines() if line.startswith("installed\t")]
    expected = {name: (version, (source, of), arch) for name, version, source, of, arch in rows}
    assert sum(name != source for name, (_, (source, _), _) in expected.items()) > 20
    found = guests_packages(bill_of(manifest, "debian12", from_dpkg(Path("/var/lib/dpkg/status").read_text(), {})))
    assert {name: each["version"] for name, each in found.items()} == {
        name: version for name, (version, _, _) in expected.items()
    }
    assert {name: trivy_source(each) for name, each in found.items()} == {
        name: source for name, (_, source, _) in expected.items()
    }
    assert {name: grype_sources(each) for name, each in found.items()} == {
        name: {source} for name, (_, source, _) in expected.items()
    }
    urls = {name: PackageURL.from_string(each["purl"]) for name, each in found.items()}
    assert {name: (url.name, url.version, dict(url.qualifiers)["arch"]) for name, url in urls.items()} == {
        name: (name, version, arch) for name, (version, _, arch) in expected.items()
    }


def test_both_find_the_source_and_epoch_of_rpm_packages(manifest: dict[str, Any]) -> None:
    found = guests_packages(bill_of(manifest, "centos7", from_rpm(RPMS)))
    assert found.keys() == {"bash", "bind-license"}, "a key is no package"
    assert trivy_source(found["bash"]) == ("bash", "4.2.46-35.el7_9")
    assert trivy_source(found["bind-license"]) == ("bind", "32:9.11.4-26.P2.el7_9.16")
    assert grype_sources(found["bind-license"]) == {("bind", "9.11.4-26.P2.el7_9.16")}
    assert properties(found["bind-license"], "syft:metadata:")["epoch"] == "32"
    assert found["bind-license"]["purl"] == (
        "pkg:rpm/centos/bind-license@9.11.4-26.P2.el7_9.16"
        "?arch=noarch&distro=centos-7&epoch=32&upstream=bind-9.11.4-26.P2.el7_9.16.src.rpm"
    )


def test_compiled_programs_have_names_in_the_vulnerability_database(manifest: dict[str, Any]) -> None:
    manifest["versions"]["haproxy"] = "3.0.11"
    parts = {each["bom-ref"]: each for each in bill_of(manifest, "debian12", {})["components"]}
    for name, version in (("keepalived", "2.3.3"), ("haproxy", "3.0.11")):
        assert parts[f"pkg:generic/{name}@{version}"]["cpe"].split(":")[2:6] == ["a", name, name, version]
