"""Rendering: from a cluster to the files that lie in its appliance, and to each node's own configuration."""

from builder.render.keepalived import keepalived_conf
from builder.render.overlay import GuestFile, appliance
from builder.render.payload import payload

__all__ = ["GuestFile", "appliance", "keepalived_conf", "payload"]
