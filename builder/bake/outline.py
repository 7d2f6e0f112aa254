"""A bake before anything is made: what goes in, and whether the image at hand was made of just that."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder import __version__, layers, paths
from builder.bake import builders
from builder.bake.builders.base import Builder
from builder.files import sha256
from builder.guests import Guest, choose, settle
from builder.layers import Outline as Layer
from builder.render import appliance, payload
from builder.spec.model import Cluster

Inputs = dict[str, Any]


@dataclass(frozen=True)
class Outline:
    """What a bake would put together. `foundation` is the layers below the appliance, by their inputs."""

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

    def contents(self) -> dict[str, dict[str, str]]:
        """The digests of the files that the bake takes from the cache, by the kind of their layer.

        A layer that was made anew (`--refresh`) has the same key and other files. One that the cache
        lacks is left out.
        """
        found = {layer.kind: layers.digests(layer.place) for layer in self.foundation.used()}
        return {kind: files for kind, files in found.items() if files}


def outline(cluster: Cluster, builder: str, *, offline: bool) -> Outline:
    """Choose the guest and the way to bake, and render the cluster's files; makes and fetches nothing."""
    guest = choose(cluster, offline=offline)
    chosen = builders.named(builder, guest.facts)
    keepalived = settle(cluster, guest.facts)
    foundation = guest.outline(cluster, keepalived, chosen.medium)
    rendered = payload(appliance(cluster, guest.facts, keepalived))
    scripts = tuple(paths.resources("packer", "provision", name) for name in guest.facts.provision)
    return Outline(cluster, guest, chosen, keepalived, foundation, rendered, scripts)


def is_current(manifest: dict[str, Any], wanted: Outline) -> bool:
    """Whether the manifest's image was made of these inputs, and of the very files that the cache has now."""
    noted = manifest.get("inputs", {})
    same = all(noted.get(name) == value for name, value in wanted.inputs.items())
    contents = noted.get("contents", {})
    return same and all(contents.get(kind) == files for kind, files in wanted.contents().items())


def _files(payload: bytes) -> dict[str, str]:
    """The digest of every file that is laid over the foundation, by its path in the guest."""
    with tarfile.open(fileobj=io.BytesIO(payload)) as tar:
        contents = {entry.name: tar.extractfile(entry) for entry in tar.getmembers()}
        return {name: hashlib.sha256(file.read()).hexdigest() for name, file in contents.items() if file}
