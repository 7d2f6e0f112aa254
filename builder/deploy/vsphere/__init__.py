"""Nodes as virtual machines of a vCenter."""

from __future__ import annotations

from dataclasses import dataclass, field

from builder.deploy import Description, option
from builder.seed import DEFAULT_TRANSPORT, TRANSPORT_HELP


@dataclass(frozen=True)
class VsphereOptions:
    """The vCenter, who logs in, and the names of its objects; an empty name stands for the only one there is."""

    server: str = field(metadata=option("vCenter's host name, with :PORT where it is not 443."))
    user: str = field(metadata=option("Who logs in; the password is VIPFORGE_VSPHERE_PASSWORD."))
    datacenter: str = field(default="", metadata=option("Data centre; left out, the only one."))
    cluster: str = field(default="", metadata=option("Cluster of hosts; left out, the only one."))
    datastore: str = field(default="", metadata=option("Datastore for the machines; left out, the only one."))
    network: str = field(default="", metadata=option("The nodes' port group; left out, the only one."))
    transport: str = field(default=DEFAULT_TRANSPORT, metadata=option(TRANSPORT_HELP, "deploy", "upgrade"))
    insecure: bool = field(default=False, metadata=option("Do not check vCenter's certificate."))


DESCRIPTION = Description(
    options=VsphereOptions,
    deploy="Create the nodes as machines of a vCenter, cloned from the cluster's baked image.",
    destroy="Remove the cluster's machines, seeds and rule, and its image if no other cluster uses it.",
)
