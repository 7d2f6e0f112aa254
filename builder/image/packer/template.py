"""The Packer template as data: HCL2's JSON form, and the network that the guest has during a bake."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

from builder.core.errors import UserError
from builder.guests import Facts, is_folder
from builder.image.packer.builders import Builder, TemplateInputs, as_root
from builder.sources import fetch
from builder.spec.model import Cluster

REQUIRED_PLUGINS_SINCE = (1, 7, 0)
"""Packer 1.6.6 refuses a `required_plugins` block; from 1.10 on no plugin comes with Packer."""

MEMORY = "/dev/shm"  # noqa: S108 - in the guest
PACKAGES = f"{MEMORY}/vipforge-packages"
"""Written by packer/provision/rpm/80-packages.sh."""


def template(inputs: TemplateInputs, packer_version: tuple[int, ...], builder: Builder) -> dict[str, Any]:
    """The whole template, ready for `json.dumps`."""
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
    """The template as it is written to `appliance.pkr.json`."""
    return json.dumps(body, indent=2) + "\n"


def _provisioners(inputs: TemplateInputs) -> list[dict[str, Any]]:
    files = {"/tmp/payload.tar": inputs.payload, **inputs.foundation.uploads}  # noqa: S108 - in the guest
    uploads = [{"file": {"source": str(path), "destination": place}} for place, path in files.items()]
    environment = {"environment_vars": list(inputs.environment)} if inputs.environment else {}
    steps = {
        "scripts": [str(path) for path in inputs.scripts],
        "execute_command": as_root(inputs.access.user),
        # In memory: so nothing is to be cleaned up, which would be another two logins for each script.
        "remote_folder": MEMORY,
        "skip_clean": True,
    }
    listed = {"direction": "download", "source": PACKAGES, "destination": str(inputs.packages)}
    return [*uploads, {"shell": {**steps, **environment}}, *([{"file": listed}] if inputs.packages else [])]


HTTP = "http"
MIRROR = "mirror"
"""The name under which Packer's HTTP server has the folder."""


@dataclass(frozen=True)
class Reach:
    """Whether the guest has a network; else the folder on this host that is served to it, if it needs packages."""

    network: bool
    folder: Path | None = None
    environment: tuple[str, ...] = ()
    """For packer/provision/rpm/05-packages.sh."""

    def http(self, work: Path) -> Path | None:
        """Where `serve` puts the folder."""
        return work / HTTP if self.folder else None

    def serve(self, work: Path) -> Path | None:
        """The folder for Packer's HTTP server; None where nothing is to be served."""
        if self.folder is None:
            return None
        http = work / HTTP
        http.mkdir()
        (http / MIRROR).symlink_to(self.folder)
        return http


def reach(cluster: Cluster, facts: Facts, builder: Builder, *, offline: bool) -> Reach:
    """What this bake needs; raises UserError where it may not, or cannot, have it."""
    mirror = cluster.image.mirror
    if facts.repositories is None:
        return Reach(network=not builder.local)
    if mirror and is_folder(mirror):
        return _folder(mirror, facts.repositories.written(mirror)[0], builder)
    fetch.refuse_offline(offline, f"installing the packages of {facts.title}")
    return Reach(network=True)


def _folder(mirror: str, stands_for: str, builder: Builder) -> Reach:
    folder = Path(url2pathname(urlparse(mirror).path))
    if not builder.local:
        raise UserError(
            f"a machine in a vCenter cannot read this host's folder {folder}",
            hint="serve it by HTTP and name that address in the spec (image: mirror)",
        )
    if not folder.is_dir():
        raise UserError(f"the mirror {folder} is no folder", hint="mend image: mirror in the spec")
    return Reach(network=False, folder=folder, environment=(f"VIPFORGE_SERVED={stands_for}",))
