"""The status of a pair in several states, for tests."""

from __future__ import annotations

from typing import Any

from builder.lab.status import LabStatus, ServiceAnswer
from builder.nodes.status import NodeState

VIP = "192.168.56.10"
SERVING = {
    "vm": "running",
    "ssh": True,
    "cloud_init": "done",
    "identity": "active",
    "haproxy": "active",
    "keepalived": "active",
}


def node(number: int, **changes: Any) -> NodeState:
    """Return a node that serves, with changes."""
    return NodeState(name=f"lb{number}.example.com", **{**SERVING, **changes})


def pair(*nodes: NodeState, ok: bool = True) -> LabStatus:
    """Return the lab's status with these nodes."""
    holders = {VIP: tuple(each.name for each in nodes if VIP in each.vips)}
    answer = ServiceAnswer(VIP, 80, ok, "HTTP 200 from web1" if ok else "timed out")
    return LabStatus("quickstart", nodes, holders, (answer,))


MASTER = node(1, vrrp="MASTER", vips=(VIP,))
BACKUP = node(2, vrrp="BACKUP")
HEALTHY = pair(MASTER, BACKUP)
