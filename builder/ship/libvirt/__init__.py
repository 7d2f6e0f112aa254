"""Nodes as libvirt domains on one or several KVM hosts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from builder.ship.registry import Description, option


@dataclass(frozen=True)
class LibvirtOptions:
    """What an operator may say about the hosts; what is left out is taken from the spec."""

    connect: Sequence[str] = field(
        default=(), metadata=option("Host; repeat it to spread the nodes. Left out, the spec's.")
    )
    pool: str = field(default="", metadata=option("Storage pool for images, disks and seeds."))
    network: str = field(default="", metadata=option("The nodes' libvirt network.", "deploy", "upgrade"))
    bridge: str = field(
        default="", metadata=option("The hosts' bridge for the nodes, instead of a network.", "deploy", "upgrade")
    )
    print: Literal["xml", "commands"] | None = field(
        default=None, metadata=option("Create nothing: print domain XML, or shell commands.", "deploy")
    )


DESCRIPTION = Description(
    options=LibvirtOptions,
    deploy="Create the nodes as libvirt domains, from the cluster's baked image.",
    destroy="Remove the cluster's domains, disks, seeds, and its image if no other cluster uses it.",
)
