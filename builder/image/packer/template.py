"""The Packer template as data (HCL2's JSON form), and the network that the guest can reach during a bake."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

from builder.core.errors import UserError
from builder.core.quoting import packer_literals
from builder.guests import Facts, is_folder
from builder.image.packer.builders import Builder, TemplateInputs, as_root
from builder.sources import fetch
from builder.spec.model import Cluster

REQUIRED_PLUGINS_SINCE = (1, 7, 0)
"""Packer 1.6.6 rejects a `required_plugins` block; since 1.10, Packer comes without plugins."""

MEMORY = "/dev/shm"  # noqa: S108 - in the guest
PACKAGES = f"{MEMORY}/vipforge-packages"
"""Written by packer/provision/rpm/80-packages.sh."""
HTTP = "http"
MIRROR = "mirror"
"""The path of the folder on Packer's HTTP server."""


def template(inputs: TemplateInputs, packer_version: tuple[int, ...], builder: Builder) -> dict[str, Any]:
    """The whole template as data for `json.dumps`."""
    body: dict[str, Any] = {
        "source": {builder.kind: {"appliance": builder.source(inputs)}},
        "build": [{"sources": [f"source.{builder.kind}.appliance"], "provisioner": _provisioners(inputs)}],
    }
    if builder.variables:
        body = {"variable": {name: dict(each) for name, each in builder.variables.items()}, **body}
    if packer_version >= REQUIRED_PLUGINS_SINCE:
        plugin = {"version": ">= 1.0.0", "source": f"github.com/hashicorp/{builder.plugin}"}
        body = {"packer": [{"required_plugins": [{builder.plugin: plugin}]}], **body}
    return body


def template_json(body: dict[str, Any]) -> str:
    """The text of `appliance.pkr.json`."""
    return json.dumps(packer_literals(body), indent=2) + "\n"


def _provisioners(inputs: TemplateInputs) -> list[dict[str, Any]]:
    files = {"/tmp/payload.tar": inputs.payload, **inputs.foundation.uploads}  # noqa: S108 - in the guest
    uploads = [{"file": {"source": str(path), "destination": place}} for place, path in files.items()]
    environment = {"environment_vars": list(inputs.environment)} if inputs.environment else {}
    steps = {
        "scripts": [str(path) for path in inputs.scripts],
        "execute_command": as_root(inputs.access.user),
        # In memory, so that nothing needs cleaning up, which would take two more logins per script.
        "remote_folder": MEMORY,
        "skip_clean": True,
    }
    package_list = {"direction": "download", "source": PACKAGES, "destination": str(inputs.packages)}
    return [*uploads, {"shell": {**steps, **environment}}, *([{"file": package_list}] if inputs.packages else [])]


@dataclass(frozen=True)
class GuestNetwork:
    """The network that the guest can reach during a bake, or the folder of packages that it gets instead."""

    is_online: bool
    folder: Path | None = None
    """A folder on this host that Packer serves to a guest without a network."""
    environment: tuple[str, ...] = ()
    """Variables for packer/provision/rpm/05-packages.sh."""

    def http(self, work: Path) -> Path | None:
        """The folder that `serve` creates; None if nothing is served."""
        return work / HTTP if self.folder else None

    def serve(self, work: Path) -> Path | None:
        """Create the folder for Packer's HTTP server; returns None if nothing is served."""
        if self.folder is None:
            return None
        http = work / HTTP
        http.mkdir()
        (http / MIRROR).symlink_to(self.folder)
        return http


def guest_network(cluster: Cluster, facts: Facts, builder: Builder, *, offline: bool) -> GuestNetwork:
    """The network that this bake needs; raises UserError if it is forbidden or impossible."""
    mirror = cluster.image.mirror
    if facts.repositories is None:
        return GuestNetwork(is_online=not builder.local)
    if mirror and is_folder(mirror):
        return _served_folder(mirror, facts.repositories.written(mirror)[0], builder)
    fetch.refuse_offline(offline, f"installing the packages of {facts.title}")
    return GuestNetwork(is_online=True)


def _served_folder(mirror: str, replaces: str, builder: Builder) -> GuestNetwork:
    folder = Path(url2pathname(urlparse(mirror).path))
    if not builder.local:
        raise UserError(
            f"a machine in a vCenter cannot read this host's folder {folder}",
            hint="serve it over HTTP and put that address into the spec (image: mirror)",
        )
    if not folder.is_dir():
        raise UserError(f"the mirror {folder} is not a folder", hint="correct image: mirror in the spec")
    return GuestNetwork(is_online=False, folder=folder, environment=(f"VIPFORGE_SERVED={replaces}",))
