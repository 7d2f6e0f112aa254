"""A bake, described before anything is built.

`vipforge image` bakes a BakePlan, `vipforge render` shows it, and `--explain` compares it with the last bake. It has
the inputs with their digests, and the machine that Packer starts.
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
from builder.image.packer.template import GuestNetwork
from builder.render import appliance, payload
from builder.rootfs import layers
from builder.rootfs.layers import Layer
from builder.spec.model import Cluster

Inputs = dict[str, Any]

BOOT_SSH_MINUTES, INSTALL_SSH_MINUTES = 15, 120
"""How long Packer waits for SSH: a disk only boots, an installer first installs the guest."""
BOOT_MEMORY, INSTALL_MEMORY = 1024, 2048
"""In MiB."""
SMALLEST_GIB = 8
"""The smallest disk onto which an installer installs the guest."""


@dataclass(frozen=True)
class BakeContext:
    """What a plan leaves open: the foundation, the access to the guest, its network, and the paths on this host."""

    foundation: Foundation
    foundation_sha256: str
    accelerator: str
    access: BakeAccess
    network: GuestNetwork
    work: Path
    """A folder that is removed after the bake."""
    console: Path


@dataclass(frozen=True)
class BakePlan:
    """Everything that goes into a bake. `foundation` describes the layers below the appliance by their inputs."""

    cluster: Cluster
    guest: Guest
    builder: Builder
    keepalived: str
    foundation: Layer
    payload: bytes
    scripts: tuple[Path, ...]

    @property
    def inputs(self) -> Inputs:
        """Every input by name, with its digest; the inputs of a layer are listed with the layer."""
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
        """Whether an installer installs the guest during the bake."""
        return self.builder.medium == "installer"

    def contents(self) -> dict[str, dict[str, str]]:
        """The digests of the files that the bake takes from the cache, by the kind of their layer.

        A layer that was rebuilt (`--refresh`) has the same key but different files. A layer that the cache lacks is
        left out.
        """
        digests = {layer.kind: layers.digests(layer.place) for layer in self.foundation.used()}
        return {kind: files for kind, files in digests.items() if files}

    def template_inputs(self, context: BakeContext) -> TemplateInputs:
        """The values in the Packer template."""
        facts, work = self.guest.facts, context.work
        return TemplateInputs(
            foundation=context.foundation,
            foundation_sha256=context.foundation_sha256,
            accelerator=context.accelerator,
            payload=work / "payload.tar",
            scripts=self.scripts,
            access=context.access,
            output=work / "out",
            console=context.console,
            ssh_minutes=INSTALL_SSH_MINUTES if self.installs else BOOT_SSH_MINUTES,
            memory=INSTALL_MEMORY if self.installs else BOOT_MEMORY,
            cluster=self.cluster.cluster,
            disk_interface=facts.disk_interface,
            disk_gib=max(self.cluster.image.disk_gib, SMALLEST_GIB),
            guest_type=facts.vsphere_type,
            http=context.network.http(work),
            environment=context.network.environment,
            packages=work / "packages" if facts.repositories else None,
        )


@dataclass(frozen=True)
class PreparedBake:
    """A plan with its foundation in place. `key` is a digest of every input."""

    plan: BakePlan
    foundation: Foundation
    foundation_sha256: str
    inputs: Inputs

    @property
    def key(self) -> str:
        """The digest that identifies this bake."""
        return hashlib.sha256(json.dumps(self.inputs, sort_keys=True).encode()).hexdigest()


def prepare(plan: BakePlan, *, offline: bool, refresh: bool = False) -> PreparedBake:
    """Take the foundation from the cache and check it, or build it."""
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
    """Choose guest, builder and keepalived, and render the cluster's files; builds and fetches nothing."""
    guest = choose(cluster, offline=offline)
    return plan_for(
        cluster, guest, builders.find_builder(builder, guest.facts), select_keepalived(cluster, guest.facts)
    )


def plan_for(cluster: Cluster, guest: Guest, builder: Builder, keepalived: str) -> BakePlan:
    """The plan for the given guest, builder and keepalived."""
    foundation = guest.foundation_layer(cluster, keepalived, builder.medium)
    rendered = payload(appliance(cluster, guest.facts, keepalived))
    scripts = tuple(paths.resources("packer", "provision", name) for name in guest.facts.provision)
    return BakePlan(cluster, guest, builder, keepalived, foundation, rendered, scripts)


def is_current(manifest: dict[str, Any], plan: BakePlan) -> bool:
    """Whether the manifest's image was built from the plan's inputs and from the files that the cache has now."""
    recorded = manifest.get("inputs", {})
    same = all(recorded.get(name) == value for name, value in plan.inputs.items())
    contents = recorded.get("contents", {})
    return same and all(contents.get(kind) == files for kind, files in plan.contents().items())


def _files(payload: bytes) -> dict[str, str]:
    """The digest of every file that the payload adds to the foundation, by its path in the guest."""
    with tarfile.open(fileobj=io.BytesIO(payload)) as tar:
        contents = {entry.name: tar.extractfile(entry) for entry in tar.getmembers()}
        return {name: hashlib.sha256(file.read()).hexdigest() for name, file in contents.items() if file}
