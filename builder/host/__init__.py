"""What this host offers: Packer, QEMU, and whether KVM really runs guests."""

from builder.host.acceleration import accelerator
from builder.host.emulator import qemu
from builder.host.hashicorp import PackerFacts, packer

__all__ = ["PackerFacts", "accelerator", "packer", "qemu"]
