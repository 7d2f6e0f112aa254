"""A real libvirtd with its QEMU driver, and a small image in place of a baked one."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.core import paths
from builder.core.files import sha256
from builder.deploy.libvirt.host import Host, open_host
from builder.spec.model import Cluster
from tests import libvirt
from tests.specs import quickstart


@pytest.fixture(scope="module")
def hypervisor() -> Iterator[str]:
    """The URI of a libvirtd that ends with the tests; it has a storage pool `default` and a bridge `br0`."""
    with libvirt.hypervisor() as running:
        yield running.uri


@pytest.fixture
def host(hypervisor: str) -> Iterator[Host]:
    """The connected libvirtd, which is emptied at the end of the test."""
    with open_host(hypervisor, "default") as connected:
        yield connected
        for name in connected.domains.names():
            connected.domains.remove(name)
        for name in sorted(connected.pool.names(), key=lambda name: name.startswith("vipforge-")):
            connected.pool.remove(name)


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The quickstart cluster with an image that cannot boot: 1 MiB of data on a disk of 8 MiB."""
    monkeypatch.setenv("VIPFORGE_BUILD", str(tmp_path / "build"))
    return fake_bake(quickstart(guest="debian12"))


def fake_bake(cluster: Cluster) -> Cluster:
    """Put a new image with its manifest where a bake would; return the cluster."""
    folder = paths.build_folder(cluster.cluster)
    folder.mkdir(parents=True, exist_ok=True)
    raw, path = folder / "raw", folder / "appliance.qcow2"
    raw.write_bytes(os.urandom(1 << 20) + bytes(7 << 20))
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", raw, path], check=True)
    raw.unlink()
    record = {"guest": "debian12", "size": path.stat().st_size, "virtual_size": 8 << 20, "sha256": sha256(path)}
    (folder / "manifest.json").write_text(json.dumps(record))
    return cluster
