"""SBOM, provenance and digests: golden files, and the requirements of their formats."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from builder.image import attest
from builder.image import manifest as manifests
from builder.image.attest import provenance, sbom
from tests.golden import assert_golden

NAMES = {"SHA256SUMS", "appliance.qcow2", "manifest.json", "provenance.intoto.json", "sbom.cdx.json"}


def test_the_whole_sbom(manifest: dict[str, Any]) -> None:
    assert_golden("attest/sbom.cdx.json", sbom(manifest))


def test_the_whole_provenance(manifest: dict[str, Any]) -> None:
    assert_golden("attest/provenance.intoto.json", provenance(manifest))


def test_the_sbom_does_not_depend_on_the_order_of_the_manifest(manifest: dict[str, Any]) -> None:
    reordered = {**manifest, "packages": dict(reversed(manifest["packages"].items()))}
    assert sbom(reordered) == sbom(manifest)


@pytest.mark.parametrize("guest", ["debian12", "another"])
def test_the_image_depends_on_every_component_of_the_sbom(manifest: dict[str, Any], guest: str) -> None:
    bill = json.loads(sbom({**manifest, "guest": guest}))
    depends = {each["ref"]: each.get("dependsOn", []) for each in bill["dependencies"]}
    direct = depends[bill["metadata"]["component"]["bom-ref"]]
    reached = [*direct, *(part for each in direct for part in depends[each])]
    assert sorted(reached) == sorted(part["bom-ref"] for part in bill["components"])


def test_compiled_programs_are_listed_next_to_the_guests_packages(manifest: dict[str, Any]) -> None:
    manifest["versions"]["haproxy"] = "3.0.11"
    manifest["inputs"]["sources"]["haproxy"] = {"file": "haproxy.tar.gz", "algorithm": "sha256", "digest": "33" * 32}
    parts = {part.get("purl"): part for part in json.loads(sbom(manifest))["components"]}
    assert parts["pkg:generic/haproxy@3.0.11"]["hashes"] == [{"alg": "SHA-256", "content": "33" * 32}]
    assert parts["pkg:generic/haproxy@3.0.11"]["cpe"] == "cpe:2.3:a:haproxy:haproxy:3.0.11:*:*:*:*:*:*:*"
    assert {
        "pkg:deb/debian/haproxy@2.6.12-1%2Bdeb12u2?arch=amd64&distro=debian-12",
        "pkg:generic/vipforge@0.1.0",
    } <= parts.keys()


@pytest.mark.parametrize(
    ("guest", "url"),
    [
        ("alma9", "pkg:rpm/almalinux/bash@4.2?distro=almalinux-9"),
        ("centos7", "pkg:rpm/centos/bash@4.2?distro=centos-7"),
        ("debian12", "pkg:deb/debian/bash@4.2?distro=debian-12"),
        ("rocky9", "pkg:rpm/rocky/bash@4.2?distro=rocky-9"),
        ("other", "pkg:generic/bash@4.2"),
    ],
)
def test_packages_known_by_version_only_have_package_urls_of_their_type(
    manifest: dict[str, Any], guest: str, url: str
) -> None:
    """As in a manifest of an earlier release."""
    bill = json.loads(sbom({**manifest, "guest": guest, "packages": {"bash": "4.2"}, "package_facts": {}}))
    assert url in [part.get("purl") for part in bill["components"]]


def test_a_manifest_of_an_older_release_can_be_attested(manifest: dict[str, Any]) -> None:
    inputs = {key: manifest["inputs"][key] for key in ("foundation", "payload_sha256", "provision_sha256")}
    old = {**manifest, "inputs": inputs}
    del old["tools"]
    assert json.loads(sbom(old))["components"]
    assert len(json.loads(provenance(old))["predicate"]["buildDefinition"]["resolvedDependencies"]) == 3


@pytest.mark.real_subprocess
def test_sha256sum_verifies_every_file(baked: Path) -> None:
    assert {path.name for path in baked.parent.iterdir()} == NAMES
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=baked.parent, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout.count(": OK") == len(NAMES) - 1


def test_a_signature_stays_for_the_same_image_and_is_removed_for_another(
    baked: Path, manifest: dict[str, Any]
) -> None:
    signed = baked.parent / "SHA256SUMS.minisig"
    signed.write_text("signature")
    attest.write_documents(baked.parent, manifest, manifest_name=manifests.NAME)
    assert signed.exists()
    attest.write_documents(baked.parent, {**manifest, "sha256": "00" * 32}, manifest_name=manifests.NAME)
    assert not signed.exists()
