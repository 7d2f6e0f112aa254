"""Nodes as virtual machines of a vCenter."""

from builder.ship.vsphere.node import Target
from builder.ship.vsphere.session import Login, connected, login
from builder.ship.vsphere.site import Names, Site, site

__all__ = ["Login", "Names", "Site", "Target", "connected", "login", "site"]
