"""One bake, described before anything is made.

What `vipforge image` bakes, `vipforge render` shows and `--explain` compares is this one object: the inputs with their
digests, and the machine that Packer is given.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder import __version__
from builder.core import paths
from builder.core.files import sha256
from builder.image.foundations import Foundation, FoundationRequest, Guest, choose, select_keepalived
from builder.image.packer import builders
from builder.image.packer.builders import BakeAccess, Builder, TemplateInputs
from builder.image.packer.template import Reach
from builder.render import appliance, payload
from builder.rootfs import layers
from builder.rootfs.layers import Layer
from builder.spec.model import Cluster

Inputs = dict[str, Any]

BOOT_SSH_MINUTES, INSTALL_SSH_MINUTES = 15, 120
"""How long Packer waits for SSH: a disk boots, an installer installs first."""
BOOT_MEMORY, INSTALL_MEMORY = 1024, 2048
"""MiB."""
SMALLEST_GIB = 8
"""Of a disk that an installer fills."""


@dataclass(frozen=True)
class Surroundings:
    """Where a bake runs: the foundation, the way into the guest, and the places of files on this host."""

    foundation: Foundation
    foundation_sha256: str
    accelerator: str
    access: BakeAccess
    reach: Reach
    work: Path
    """Removed after the bake."""
    console: Path


@dataclass(frozen=True)
class BakePlan:
    """What a bake puts together. `foundation` is the layers below the appliance, by their inputs."""

    cluster: Cluster
    guest: Guest
    builder: Builder
    keepalived: str
    foundation: Layer
    payload: bytes
    scripts: tuple[Path, ...]

    @property
    def inputs(self) -> Inputs:
        """Every input by name, with its digest; what a layer was made from stands with the layer."""
        return {
            "vipforge": __version__,
            "builder": self.builder.name,
            "guest": self.guest.facts.name,
            "payload_sha256": hashlib.sha256(self.payload).hexdigest(),
            "files_sha256": _files(self.payload),
            "provision_sha256": {script.name: sha256(script) for script in self.scripts},
            "layers": {layer.kind: {"key": layer.key, "inputs": layer.inputs} for layer in self.foundation.all()},
        }

    @property
    def installs(self) -> bool:
        """Whether an installer makes the guest's disk."""
        return self.builder.medium == "installer"

    def contents(self) -> dict[str, dict[str, str]]:
        """The digests of the files that the bake takes from the cache, by the kind of their layer.

        A layer that was made again (`--refresh`) has the same key and other files. One that the cache
        lacks is left out.
        """
        found = {layer.kind: layers.digests(layer.place) for layer in self.foundation.used()}
        return {kind: files for kind, files in found.items() if files}

    def template_inputs(self, around: Surroundings) -> TemplateInputs:
        """Everything that Packer's template names."""
        facts, work = self.guest.facts, around.work
        return TemplateInputs(
            foundation=around.foundation,
            foundation_sha256=around.foundation_sha256,
            accelerator=around.accelerator,
            payload=work / "payload.tar",
            scripts=self.scripts,
            access=around.access,
            output=work / "out",
            console=around.console,
            ssh_minutes=INSTALL_SSH_MINUTES if self.installs else BOOT_SSH_MINUTES,
            memory=INSTALL_MEMORY if self.installs else BOOT_MEMORY,
            cluster=self.cluster.cluster,
            disk_interface=facts.disk_interface,
            disk_gib=max(self.cluster.image.disk_gib, SMALLEST_GIB),
            guest_type=facts.vsphere_type,
            http=around.reach.http(work),
            environment=around.reach.environment,
            packages=work / "packages" if facts.repositories else None,
        )


@dataclass(frozen=True)
class PreparedBake:
    """A plan whose foundation is there. `key` is a digest of every input."""

    plan: BakePlan
    foundation: Foundation
    foundation_sha256: str
    inputs: Inputs

    @property
    def key(self) -> str:
        """The name of this bake."""
        return hashlib.sha256(json.dumps(self.inputs, sort_keys=True).encode()).hexdigest()


def prepare(plan: BakePlan, *, offline: bool, refresh: bool = False) -> PreparedBake:
    """Take the foundation from the cache, checked, or make it."""
    foundation = plan.guest.foundation(
        plan.cluster, plan.keepalived, FoundationRequest(plan.builder.medium, offline, refresh)
    )
    disk = foundation.disk_sha256 or (sha256(foundation.disk) if foundation.disk else "")
    inputs = {
        **plan.inputs,
        "contents": plan.contents(),
        "foundation": {"key": plan.foundation.key, "sha256": disk},
    }
    return PreparedBake(plan, foundation, disk, inputs)


def bake_plan(cluster: Cluster, builder: str, *, offline: bool) -> BakePlan:
    """Choose the guest and the way to bake, and render the cluster's files; makes and fetches nothing."""
    guest = choose(cluster, offline=offline)
    return plan_for(cluster, guest, builders.named(builder, guest.facts), select_keepalived(cluster, guest.facts))


def plan_for(cluster: Cluster, guest: Guest, builder: Builder, keepalived: str) -> BakePlan:
    """The plan where guest, builder and keepalived are chosen already."""
    foundation = guest.outline(cluster, keepalived, builder.medium)
    rendered = payload(appliance(cluster, guest.facts, keepalived))
    scripts = tuple(paths.resources("packer", "provision", name) for name in guest.facts.provision)
    return BakePlan(cluster, guest, builder, keepalived, foundation, rendered, scripts)


def is_current(manifest: dict[str, Any], plan: BakePlan) -> bool:
    """Whether the manifest's image was made of these inputs, and of the very files that the cache has now."""
    noted = manifest.get("inputs", {})
    same = all(noted.get(name) == value for name, value in plan.inputs.items())
    contents = noted.get("contents", {})
    return same and all(contents.get(kind) == files for kind, files in plan.contents().items())


def _files(payload: bytes) -> dict[str, str]:
    """The digest of every file that is laid over the foundation, by its path in the guest."""
    with tarfile.open(fileobj=io.BytesIO(payload)) as tar:
        contents = {entry.name: tar.extractfile(entry) for entry in tar.getmembers()}
        return {name: hashlib.sha256(file.read()).hexdigest() for name, file in contents.items() if file}
