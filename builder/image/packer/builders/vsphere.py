"""Builders that use a vCenter: from an installer's medium, or from a template of the site."""

from __future__ import annotations

from typing import Any

from builder.image.packer.builders import Builder, Source, TemplateInputs, communicator, seed_media
from builder.image.packer.builders.qemu import boot_command

TEXT = {"type": "string"}
SECRET = {"type": "string", "sensitive": True}
MAY_BE_EMPTY = {"type": "string", "default": ""}
VARIABLES: dict[str, dict[str, Any]] = {
    "vsphere_server": {**TEXT, "description": "Name or address of the vCenter"},
    "vsphere_username": {**SECRET, "description": "Who logs in to it"},
    "vsphere_password": {**SECRET, "description": "That account's password"},
    "vsphere_insecure": {"type": "bool", "default": False, "description": "Take any certificate"},
    "vsphere_datacenter": {**MAY_BE_EMPTY, "description": "Datacenter; the only one if left out"},
    "vsphere_cluster": {**MAY_BE_EMPTY, "description": "Cluster; or else a host"},
    "vsphere_host": {**MAY_BE_EMPTY, "description": "ESXi host; or else a cluster"},
    "vsphere_datastore": {**TEXT, "description": "Where the disk goes"},
    "vsphere_folder": {**MAY_BE_EMPTY, "description": "Folder of the template"},
    "vsphere_network": {**TEXT, "description": "Network that reaches this host and the package mirror"},
}


def placement(inputs: TemplateInputs) -> Source:
    """The connection to the vCenter, and the place of the new template in it."""
    return {
        "vcenter_server": "${var.vsphere_server}",
        "username": "${var.vsphere_username}",
        "password": "${var.vsphere_password}",
        "insecure_connection": "${var.vsphere_insecure}",
        "datacenter": "${var.vsphere_datacenter}",
        "cluster": "${var.vsphere_cluster}",
        "host": "${var.vsphere_host}",
        "datastore": "${var.vsphere_datastore}",
        "folder": "${var.vsphere_folder}",
        "vm_name": template_name(inputs.cluster),
        "CPUs": inputs.cpus,
        "RAM": inputs.memory,
        "convert_to_template": True,
    }


def template_name(cluster: str) -> str:
    """The name of the appliance's template in the vCenter."""
    return f"vipforge-{cluster}"


def vsphere_iso_source(inputs: TemplateInputs) -> Source:
    """The settings of Packer's vsphere-iso builder."""
    return {
        **placement(inputs),
        **communicator(inputs, inputs.access.user),
        **seed_media(inputs.access),
        "boot_command": boot_command(inputs.access.label),
        "boot_wait": "10s",
        "disk_controller_type": ["pvscsi"],
        "guest_os_type": inputs.guest_type,
        "iso_checksum": f"sha256:{inputs.foundation_sha256}",
        "iso_url": str(inputs.foundation.disk),
        "network_adapters": [{"network": "${var.vsphere_network}", "network_card": "vmxnet3"}],
        "remove_cdrom": True,
        "storage": [{"disk_size": inputs.disk_gib * 1024, "disk_thin_provisioned": True}],
    }


VSPHERE_ISO = Builder(
    "vsphere-iso",
    kind="vsphere-iso",
    plugin="vsphere",
    medium="installer",
    source=vsphere_iso_source,
    local=False,
    variables=VARIABLES,
)


ACCOUNT = "${var.ssh_username}"
CLONE_VARIABLES: dict[str, dict[str, Any]] = {
    "vsphere_template": {**TEXT, "description": "The template to start from"},
    "ssh_username": {
        **TEXT,
        "description": "An account of the template that may use sudo without a password; it is removed at the end",
    },
    "ssh_password": {**SECRET, "default": "", "description": "Its password; or else a key"},
    "ssh_private_key_file": {**MAY_BE_EMPTY, "description": "A file with its private key; or else a password"},
}


def vsphere_clone_source(inputs: TemplateInputs) -> Source:
    """The settings of Packer's vsphere-clone builder."""
    return {
        **placement(inputs),
        **communicator(inputs, ACCOUNT),
        "network": "${var.vsphere_network}",
        "ssh_password": "${var.ssh_password}",
        "ssh_private_key_file": "${var.ssh_private_key_file}",
        "ssh_pty": True,  # sudo of a site's template may want a terminal
        "template": "${var.vsphere_template}",
    }


VSPHERE_CLONE = Builder(
    "vsphere-clone",
    kind="vsphere-clone",
    plugin="vsphere",
    medium="template",
    source=vsphere_clone_source,
    local=False,
    variables={**VARIABLES, **CLONE_VARIABLES},
)

BUILDERS = (VSPHERE_ISO, VSPHERE_CLONE)
