"""The same pair without machines: the real HAProxy and keepalived in network namespaces, no image needed."""

from builder.lab.netns.node import NetnsNode
from builder.lab.netns.pair import Pair, check_host, pair

__all__ = ["NetnsNode", "Pair", "check_host", "pair"]
