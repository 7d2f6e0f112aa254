"""From a template that a vCenter has: the site's own installation of the guest becomes the appliance."""

from __future__ import annotations

from typing import Any

from builder.bake.builders.base import Builder, Source, TemplateInputs, communicator
from builder.bake.builders.vsphere import MAY_BE_EMPTY, SECRET, TEXT, VARIABLES, place

ACCOUNT = "${var.ssh_username}"
OWN: dict[str, dict[str, Any]] = {
    "vsphere_template": {**TEXT, "description": "The template to start from"},
    "ssh_username": {
        **TEXT,
        "description": "An account of the template that may use sudo without a password; it is removed at the end",
    },
    "ssh_password": {**SECRET, "default": "", "description": "Its password; or else a key"},
    "ssh_private_key_file": {**MAY_BE_EMPTY, "description": "A file with its private key; or else a password"},
}


def source(inputs: TemplateInputs) -> Source:
    """The settings of Packer's vsphere-clone builder."""
    return {
        **place(inputs),
        **communicator(inputs, ACCOUNT),
        "network": "${var.vsphere_network}",
        "ssh_password": "${var.ssh_password}",
        "ssh_private_key_file": "${var.ssh_private_key_file}",
        "ssh_pty": True,  # sudo of a site's template may want a terminal
        "template": "${var.vsphere_template}",
    }


BUILDER = Builder(
    "vsphere-clone",
    kind="vsphere-clone",
    plugin="vsphere",
    medium="template",
    source=source,
    local=False,
    variables={**VARIABLES, **OWN},
)
