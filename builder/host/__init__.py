"""What this host provides: Packer, QEMU, and whether KVM can actually run guests."""
