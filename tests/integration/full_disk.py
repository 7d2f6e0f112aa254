"""A node in namespaces whose disk is full to the last block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from builder.lab.netns import NetnsNode

FILL = "/etc/fill"
LEFT_KIB = 64


@contextmanager
def full_disk(node: NetnsNode) -> Iterator[None]:
    """Leave no block for a file in the node's /etc or /usr, which is a tmpfs (builder/lab/netns-root.sh)."""
    disk = str(node.folder / "layers")
    used = int(node.run("df", "-k", "--output=used", disk).out.split()[1])
    node.run("mount", "-o", f"remount,size={used + LEFT_KIB}k", disk)
    node.run("sh", "-c", f"cat /dev/zero >{FILL}", check=False)
    try:
        yield
    finally:
        node.path(FILL).unlink()
        node.run("mount", "-o", "remount,size=50%", disk)
