"""What this host offers: Packer, QEMU, and whether KVM really runs guests."""
