"""The folder of a bake, with a small file as the image."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from builder.image import attest
from builder.image import manifest as manifests

IMAGE = b"an image"


@pytest.fixture
def manifest() -> dict[str, Any]:
    return {
        "cluster": "quickstart",
        "guest": "debian12",
        "image": "appliance.qcow2",
        "key": "3dd0695df4ce69d4",
        "made": "2026-11-23T19:13:51+00:00",
        "sha256": hashlib.sha256(IMAGE).hexdigest(),
        "size": len(IMAGE),
        "tools": {"packer": "1.6.6", "qemu": "7.2.22"},
        "versions": {"vipforge": "0.1.0", "keepalived": "2.3.3"},
        "inputs": {
            "foundation": {"key": "b4a77bdf", "sha256": "09" * 32},
            "payload_sha256": "c5" * 32,
            "files_sha256": {"etc/haproxy/haproxy.cfg": "aa" * 32},
            "provision_sha256": {"10-overlay.sh": "de" * 32},
            "sources": {"keepalived": {"file": "keepalived-2.3.3.tar.gz", "algorithm": "sha256", "digest": "22" * 32}},
            "spec_sha256": "ab" * 32,
        },
        "packages": {"haproxy": "2.6.12-1+deb12u2", "bash": "5.2.15-2+b13", "libc6": "2.36-9+deb12u14"},
        "package_facts": {
            "haproxy": {
                "arch": "amd64",
                "source": "haproxy",
                "source_version": "2.6.12-1+deb12u2",
                "licenses": ["GPL-2+", "Expat", "GPL-2+ with OpenSSL exception"],
            },
            "bash": {"arch": "amd64", "source": "bash", "source_version": "5.2.15-2", "licenses": ["GPL-3+"]},
            "libc6": {
                "arch": "amd64",
                "source": "glibc",
                "source_version": "2.36-9+deb12u14",
                "licenses": ["common-licenses/LGPL-2.1"],
            },
        },
        "steps": [],
    }


@pytest.fixture
def baked(tmp_path: Path, manifest: dict[str, Any]) -> Path:
    """The path of an image with its attestations next to it."""
    folder = tmp_path / "quickstart"
    folder.mkdir()
    (folder / "appliance.qcow2").write_bytes(IMAGE)
    manifests.write(folder, manifest)
    attest.write_documents(folder, manifest, manifest_name=manifests.NAME)
    return folder / "appliance.qcow2"
