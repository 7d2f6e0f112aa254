"""The Packer template as data: HCL2's JSON form, which Packer 1.6.6 and today's both read."""

from __future__ import annotations

import json
from typing import Any

from builder.bake.builders import qemu
from builder.bake.builders.base import Builder, TemplateInputs, as_root

__all__ = ["TemplateInputs", "template", "text"]

REQUIRED_PLUGINS_SINCE = (1, 7, 0)
"""Packer 1.6.6 refuses a `required_plugins` block; from 1.10 on no plugin comes with Packer."""

MEMORY = "/dev/shm"  # noqa: S108 - in the guest
PACKAGES = f"{MEMORY}/vipforge-packages"
"""Written by packer/provision/rpm/80-packages.sh."""


def template(
    inputs: TemplateInputs, packer_version: tuple[int, ...], builder: Builder = qemu.BUILDER
) -> dict[str, Any]:
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


def text(body: dict[str, Any]) -> str:
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
