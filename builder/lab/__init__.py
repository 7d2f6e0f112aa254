"""The lab: a cluster's nodes on this host, with the network, the servers and a client that they need."""

from builder.lab.lifecycle import down, up
from builder.lab.mail import mails
from builder.lab.ssh import client, login, ssh_config
from builder.lab.survey import status

__all__ = ["client", "down", "login", "mails", "ssh_config", "status", "up"]
