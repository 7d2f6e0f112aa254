"""From a disk, in QEMU: a foundation that was made on this host, or a vendor's image."""

from __future__ import annotations

from builder.bake.builders.base import Builder, Source, TemplateInputs, communicator, seed

DISK_DEVICES = {
    "virtio": (),
    "virtio-scsi": ("virtio-scsi-pci,id=scsi0", "scsi-hd,bus=scsi0.0,drive=drive0"),
}
"""The devices that attach the disk, by `disk_interface`; `drive0` is Packer's name for the disk's drive."""


def source(inputs: TemplateInputs) -> Source:
    """The settings of Packer's qemu builder."""
    # use_backing_file stays off: Packer 1.6.6 gives qemu-img no backing format, which QEMU 6.1 and later refuse.
    grow = inputs.foundation.grow_to_gib
    size = {"disk_size": f"{grow * 1024}M"} if grow else {}
    return {
        **machine(inputs),
        **size,
        "boot_wait": "1s",
        "disk_image": True,
        "skip_resize_disk": not grow,
        "use_backing_file": False,
    }


def machine(inputs: TemplateInputs) -> Source:
    """What is the same for a disk and for an installer."""
    served = {"http_directory": str(inputs.http)} if inputs.http else {}
    return {
        **communicator(inputs, inputs.access.user),
        **seed(inputs.access),
        **served,
        "accelerator": inputs.accelerator,
        "cpus": inputs.cpus,
        "disk_detect_zeroes": "unmap",
        "disk_discard": "unmap",
        "disk_interface": inputs.disk_interface,
        "format": "qcow2",
        "headless": True,
        "iso_checksum": f"sha256:{inputs.foundation_sha256}",
        "iso_url": str(inputs.foundation.disk),
        "memory": inputs.memory,
        "net_device": "virtio-net",
        "output_directory": str(inputs.output),
        "qemuargs": _qemu_arguments(inputs),
        "skip_compaction": True,
        "vm_name": "appliance.qcow2",
        "vnc_bind_address": "127.0.0.1",
    }


def _qemu_arguments(inputs: TemplateInputs) -> list[list[str]]:
    # Packer replaces all of its own arguments of a name by those given here (its step_run.go, in 1.6.6 and in today's
    # plugin alike). So there is no -accel, -machine or -drive here, and every -device that the disk needs is.
    devices = (*DISK_DEVICES[inputs.disk_interface], "virtio-rng-pci")
    arguments = [
        ["-cpu", "host" if inputs.accelerator == "kvm" else "max"],
        ["-serial", f"file:{inputs.console}"],
        *(["-device", device] for device in devices),
    ]
    foundation = inputs.foundation
    if foundation.kernel and foundation.initrd:
        arguments += [["-kernel", str(foundation.kernel)], ["-initrd", str(foundation.initrd)]]
        arguments += [["-append", inputs.access.cmdline]]
    return arguments


BUILDER = Builder("qemu", kind="qemu", plugin="qemu", medium="disk", source=source)
