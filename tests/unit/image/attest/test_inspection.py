"""`vipforge inspect` and `diff`: attestations that match the image, and all kinds of mismatches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from builder.core.errors import UserError
from builder.image.attest.signature import difference, inspect, report


def test_valid_attestations(baked: Path) -> None:
    inspection = inspect(baked)
    assert inspection.good
    text = report(inspection, as_json=False)
    assert "quickstart, debian12, made 2026-11-23T19:13:51+00:00" in text
    assert "3 packages; sbom.cdx.json lists 6 components" in text
    assert "signature: unsigned" in text
    assert json.loads(report(inspection, as_json=True))["good"] is True


@pytest.mark.parametrize("name", ["appliance.qcow2", "manifest.json", "sbom.cdx.json", "provenance.intoto.json"])
def test_a_changed_file_is_reported(baked: Path, name: str) -> None:
    path = baked.parent / name
    path.write_bytes(path.read_bytes() + b" ")
    inspection = inspect(baked)
    assert inspection.faults == [f"{name}: its SHA-256 is not the one in SHA256SUMS"]
    assert not inspection.good


def test_attestations_of_another_image_are_reported(baked: Path) -> None:
    path = baked.parent / "provenance.intoto.json"
    path.write_text(path.read_text().replace('"sha256": "', '"sha256": "0'))
    assert "provenance.intoto.json: it describes another image" in inspect(baked).faults


@pytest.mark.parametrize("name", ["manifest.json", "sbom.cdx.json", "provenance.intoto.json", "SHA256SUMS"])
@pytest.mark.parametrize("content", [None, "[]", "\x00"])
def test_missing_and_damaged_attestations_are_errors(baked: Path, name: str, content: str | None) -> None:
    path = baked.parent / name
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match="is missing" if content is None else "is damaged"):
        inspect(baked)


def test_the_differences_between_two_images(manifest: dict[str, Any]) -> None:
    packages = {"bash": "5.2.15-2+b14", "zstd": "1.5"}
    assert difference(manifest, {**manifest, "packages": packages}) == [
        "~ packages bash: 5.2.15-2+b13 -> 5.2.15-2+b14",
        "- packages haproxy 2.6.12-1+deb12u2",
        "- packages libc6 2.36-9+deb12u14",
        "+ packages zstd 1.5",
    ]


def test_two_bakes_of_the_same_inputs_do_not_differ(manifest: dict[str, Any]) -> None:
    again = {**manifest, "made": "2027-01-01T00:00:00+00:00", "sha256": "00", "size": 5, "steps": [1]}
    assert difference(manifest, again) == []
