"""From an installer's medium, in a vCenter: PVSCSI disk and VMXNET3 card; a kickstart file answers the questions."""

from __future__ import annotations

from builder.bake.builders.base import Builder, Source, TemplateInputs, communicator, seed
from builder.bake.builders.qemu_iso import boot_command
from builder.bake.builders.vsphere import VARIABLES, place


def source(inputs: TemplateInputs) -> Source:
    """The settings of Packer's vsphere-iso builder."""
    return {
        **place(inputs),
        **communicator(inputs, inputs.access.user),
        **seed(inputs.access),
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


BUILDER = Builder(
    "vsphere-iso",
    kind="vsphere-iso",
    plugin="vsphere",
    medium="installer",
    source=source,
    local=False,
    variables=VARIABLES,
)
