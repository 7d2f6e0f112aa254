"""Deployments of 100 clusters of two nodes from one image, to a real libvirtd: the plans, and the making.

    .venv/bin/python -m benchmarks.deployments [NUMBER]

As root, with tests/debian-packages.txt installed. The image is 160 MiB of noise that boots nothing, so no node is
started. The issue's limit: the image is uploaded once.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack, redirect_stderr
from io import StringIO
from pathlib import Path

from benchmarks.seeds import FACTS, clusters, peak
from builder.core.files import sha256
from builder.core.progress import Step, carry_out
from builder.core.run import run
from builder.deploy.libvirt import LibvirtOptions
from builder.deploy.libvirt.hypervisor import LibvirtHypervisor
from builder.render import appliance
from builder.spec.features import keepalived_for
from builder.spec.model import Cluster
from tests.libvirt import Libvirtd, hypervisor

MIB = 1 << 20
IMAGE_MIB, DISK_MIB = 160, 4096
SECONDS = 120


def main() -> None:
    """Plan, make and plan again; print what each took."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    wanted = list(clusters(number))
    with tempfile.TemporaryDirectory() as folder, hypervisor() as host:
        image = bake_stand_in(wanted[0], Path(folder))
        plan(wanted, host, image, "planned")
        plan(wanted, host, image, "made", make=True)
        plan(wanted, host, image, "planned again")
    print(f"{peak()} MiB at most")


def plan(wanted: list[Cluster], host: Libvirtd, image: Path, what: str, *, make: bool = False) -> None:
    """One deployment of all clusters, as far as nodes that are not started."""
    began = time.monotonic()
    with ExitStack() as stack, redirect_stderr(StringIO()):
        todo = LibvirtHypervisor(LibvirtOptions((host.uri,), bridge="br0"), stack).deployment(wanted, image=image)
        lacking = [step for step in todo if not step.ready and not step.what.endswith(": running")]
        if make:
            carry_out(lacking)
    uploads = len([step for step in lacking if is_image(step)])
    print(f"{what}: {time.monotonic() - began:.1f} s, {len(lacking)} steps to do, {uploads} of them an image")


def is_image(step: Step) -> bool:
    """Whether the step uploads an image."""
    return ": image " in step.what


def bake_stand_in(cluster: Cluster, folder: Path) -> Path:
    """An image with the manifest of one that was baked for the cluster."""
    raw, image = folder / "raw", folder / "appliance.qcow2"
    with raw.open("wb") as file:
        for _ in range(IMAGE_MIB):
            file.write(os.urandom(MIB))
        file.truncate(DISK_MIB * MIB)
    run(["qemu-img", "convert", "-O", "qcow2", raw, image], timeout=SECONDS)
    raw.unlink()
    keepalived = keepalived_for(cluster, FACTS)
    rendered = appliance(cluster, FACTS, keepalived)
    files = {path.lstrip("/"): hashlib.sha256(each.content.encode()).hexdigest() for path, each in rendered.items()}
    record = {
        "cluster": cluster.cluster,
        "guest": FACTS.name,
        "inputs": {"files_sha256": files},
        "sha256": sha256(image),
        "size": image.stat().st_size,
        "versions": {"keepalived": keepalived},
        "virtual_size": DISK_MIB * MIB,
    }
    (folder / "manifest.json").write_text(json.dumps(record))
    return image


if __name__ == "__main__":
    main()
