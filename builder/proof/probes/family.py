"""Which family's packets a VIP is asked with."""

from __future__ import annotations

from builder.proof.probes import packets4, packets6
from builder.proof.probes.packets import Packets


def of(vip: str) -> Packets:
    """The packets of the VIP's family."""
    return packets6 if ":" in vip else packets4
