"""Deploy 100 clusters of two nodes from one image to a real libvirtd, and time the plans and their execution.

    .venv/bin/python -m benchmarks.deployments [NUMBER]

Run it as root, with tests/debian-packages.txt installed. The image is 160 MiB of random data that does not boot, so no
node is started. The target: the image is uploaded once.
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
from builder.spec.keepalived_features import keepalived_for
from builder.spec.model import Cluster
from tests.libvirt import Libvirtd, hypervisor

MIB = 1 << 20
IMAGE_MIB, DISK_MIB = 160, 4096
SECONDS = 120


def main() -> None:
    """Plan, execute and plan again; print the time of each."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    specs = list(clusters(number))
    with tempfile.TemporaryDirectory() as folder, hypervisor() as host:
        image = fake_image(specs[0], Path(folder))
        deploy(specs, host, image, "planned")
        deploy(specs, host, image, "created", execute=True)
        deploy(specs, host, image, "planned again")
    print(f"{peak()} MiB at most")


def deploy(specs: list[Cluster], host: Libvirtd, image: Path, what: str, *, execute: bool = False) -> None:
    """Plan, and optionally execute, a deployment of all clusters without starting their nodes."""
    began = time.monotonic()
    with ExitStack() as stack, redirect_stderr(StringIO()):
        steps = LibvirtHypervisor(LibvirtOptions((host.uri,), bridge="br0"), stack).deployment(specs, image=image)
        pending = [step for step in steps if not step.ready and not step.what.endswith(": running")]
        if execute:
            carry_out(pending)
    uploads = len([step for step in pending if is_image(step)])
    print(f"{what}: {time.monotonic() - began:.1f} s, {len(pending)} steps pending, {uploads} of them image uploads")


def is_image(step: Step) -> bool:
    """Whether the step uploads an image."""
    return ": image " in step.what


def fake_image(cluster: Cluster, folder: Path) -> Path:
    """An image of random data, with the manifest of an image baked for the cluster."""
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
