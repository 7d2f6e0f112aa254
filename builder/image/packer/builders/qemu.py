"""Builders that use QEMU on this host: from a disk image, or from an installer's medium."""

from __future__ import annotations

from builder.image.packer.builders import Builder, Source, TemplateInputs, communicator, seed_media

DISK_DEVICES = {
    "virtio": (),
    "virtio-scsi": ("virtio-scsi-pci,id=scsi0", "scsi-hd,bus=scsi0.0,drive=drive0"),
}
"""The devices that attach the disk, by `disk_interface`; `drive0` is Packer's ID of the disk's drive."""

BOOT_OPTIONS = "inst.text console=tty0 console=ttyS0,115200 net.ifnames=0 biosdevname=0"
MENU_SECONDS = {"kvm": 5, "tcg": 20}
"""Until the installer's menu accepts keys; without a key, the menu continues after a minute."""


def qemu_source(inputs: TemplateInputs) -> Source:
    """The settings of Packer's qemu builder for a disk image."""
    # use_backing_file stays off: Packer 1.6.6 passes no backing format to qemu-img, which QEMU 6.1 and later require.
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
    """The settings that a bake from a disk and a bake from an installer have in common."""
    served = {"http_directory": str(inputs.http)} if inputs.http else {}
    return {
        **communicator(inputs, inputs.access.user),
        **seed_media(inputs.access),
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
    # For each option given here, Packer drops all of its own arguments with that option (step_run.go, in 1.6.6 and in
    # today's plugin). So -accel, -machine and -drive are left out, and every -device that the disk needs is included.
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


QEMU = Builder("qemu", kind="qemu", plugin="qemu", medium="disk", source=qemu_source)


def qemu_iso_source(inputs: TemplateInputs) -> Source:
    """The settings of Packer's qemu builder for an installer's medium."""
    return {
        **machine(inputs),
        "boot_command": boot_command(inputs.access.label),
        "boot_wait": f"{MENU_SECONDS[inputs.accelerator]}s",
        "disk_size": f"{inputs.disk_gib * 1024}M",
    }


def boot_command(label: str) -> list[str]:
    """The keys for the installer's menu: boot the first entry with the kickstart file on the CD with that label."""
    return ["<up><tab>", f" inst.ks=hd:LABEL={label}:/ks.cfg {BOOT_OPTIONS}", "<enter>"]


QEMU_ISO = Builder("qemu-iso", kind="qemu", plugin="qemu", medium="installer", source=qemu_iso_source)

BUILDERS = (QEMU, QEMU_ISO)
