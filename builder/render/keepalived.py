"""A node's own keepalived.conf, as the guest's identity program makes it at boot.

The image holds a template with `@NAME@` marks; /usr/libexec/vipforge/identity fills them. This is the same
in Python, for checks, for the netns lab and for people who want to read it before a bake.
"""

from __future__ import annotations

from builder.guests import Facts
from builder.render import overlay
from builder.spec.model import Cluster, Node

TEMPLATE = "/usr/share/vipforge/keepalived.conf"


def keepalived_conf(cluster: Cluster, node: Node, facts: Facts, keepalived: str, interface: str) -> str:
    """The file as it lies in the guest; `interface` is the one that holds the node's address there."""
    text = overlay.text(TEMPLATE, cluster, facts, keepalived)
    for mark, value in marks(cluster, node, interface).items():
        text = text.replace(f"@{mark}@", value)
    return text


def marks(cluster: Cluster, node: Node, interface: str) -> dict[str, str]:
    """What each mark of the template stands for on this node."""
    others = [other for other in cluster.nodes if other != node]
    priorities = [str(cluster.priority(node, instance)) for instance in cluster.vrrp.all_instances]
    return {
        "NODE_NAME": node.name,
        "ADDRESS": str(node.address),
        **{f"PRIORITY_{number}": priority for number, priority in enumerate(priorities, start=1)},
        "ALERT_SENDER": alert_sender(node),
        "INTERFACE": interface,
        "PEERS": "\n        ".join(str(other.address) for other in others),
        "ADDRESS6": str(node.address6),
        "PEERS6": "\n        ".join(str(other.address6) for other in others),
    }


def alert_sender(node: Node) -> str:
    """The sender of the node's alerts: the spec's, or keepalived@ its own name."""
    return node.alert_sender or f"keepalived@{node.name}"
