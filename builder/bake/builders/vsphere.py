"""What both ways to bake in a vCenter share: where it is, who logs in, and where the machine goes.

None of it is in the spec: it comes from a Packer var file or from the environment, and secrets are marked as such.
"""

from __future__ import annotations

from typing import Any

from builder.bake.builders.base import Source, TemplateInputs

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


def place(inputs: TemplateInputs) -> Source:
    """The vCenter, and where in it the template goes."""
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
    """What the appliance is called in the vCenter."""
    return f"vipforge-{cluster}"
