"""From an installer's medium, in QEMU: a kickstart file answers its questions."""

from __future__ import annotations

from builder.bake.builders.base import Builder, Source, TemplateInputs
from builder.bake.builders.qemu import machine

BOOT_WORDS = "inst.text console=tty0 console=ttyS0,115200 net.ifnames=0 biosdevname=0"
MENU_SECONDS = {"kvm": 5, "tcg": 20}
"""Until the installer's menu takes keys; by itself it goes on after a minute."""


def source(inputs: TemplateInputs) -> Source:
    """The settings of Packer's qemu builder."""
    return {
        **machine(inputs),
        "boot_command": boot_command(inputs.access.label),
        "boot_wait": f"{MENU_SECONDS[inputs.accelerator]}s",
        "disk_size": f"{inputs.disk_gib * 1024}M",
    }


def boot_command(label: str) -> list[str]:
    """The keys for the installer's menu: the first entry, with the kickstart file of the CD of that label."""
    return ["<up><tab>", f" inst.ks=hd:LABEL={label}:/ks.cfg {BOOT_WORDS}", "<enter>"]


BUILDER = Builder("qemu-iso", kind="qemu", plugin="qemu", medium="installer", source=source)
