"""A real libvirtd with its QEMU driver, and a small image that stands for a baked one."""

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
    """The address of a libvirtd that ends with the tests; it has a storage pool `default` and a bridge `br0`."""
    with libvirt.hypervisor() as found:
        yield found.uri


@pytest.fixture
def host(hypervisor: str) -> Iterator[Host]:
    """The hypervisor, empty at the end of the test."""
    with open_host(hypervisor, "default") as found:
        yield found
        for name in found.domains.names():
            found.domains.remove(name)
        for name in sorted(found.pool.names(), key=lambda name: name.startswith("vipforge-")):
            found.pool.remove(name)


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The quickstart cluster with an image of 1 MiB of data on a disk of 8 MiB; it boots nothing."""
    monkeypatch.setenv("VIPFORGE_BUILD", str(tmp_path / "build"))
    return bake_stand_in(quickstart(guest="debian12"))


def bake_stand_in(cluster: Cluster) -> Cluster:
    """Put a new image with its manifest where a bake would."""
    folder = paths.build_folder(cluster.cluster)
    folder.mkdir(parents=True, exist_ok=True)
    raw, path = folder / "raw", folder / "appliance.qcow2"
    raw.write_bytes(os.urandom(1 << 20) + bytes(7 << 20))
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", raw, path], check=True)
    raw.unlink()
    record = {"guest": "debian12", "size": path.stat().st_size, "virtual_size": 8 << 20, "sha256": sha256(path)}
    (folder / "manifest.json").write_text(json.dumps(record))
    return cluster
