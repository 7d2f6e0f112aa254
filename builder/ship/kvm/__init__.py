"""Nodes as libvirt domains on one or several KVM hosts."""
