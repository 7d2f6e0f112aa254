"""Nodes as virtual machines in a vCenter: the options."""

from __future__ import annotations

from dataclasses import dataclass, field

from builder.deploy import Description, option
from builder.seed import DEFAULT_TRANSPORT, TRANSPORT_HELP


@dataclass(frozen=True)
class VsphereOptions:
    """The vCenter, the login, and the names of the objects to use; an empty name selects the only one."""

    server: str = field(metadata=option("vCenter's host name, with :PORT if it is not 443."))
    user: str = field(metadata=option("User name; the password is read from VIPFORGE_VSPHERE_PASSWORD."))
    datacenter: str = field(default="", metadata=option("Data centre. Default: the only one."))
    cluster: str = field(default="", metadata=option("Cluster of hosts. Default: the only one."))
    datastore: str = field(default="", metadata=option("Datastore for the machines. Default: the only one."))
    network: str = field(
        default="", metadata=option("Port group for the nodes. Default: the only one.", "deploy", "upgrade")
    )
    management_network: str = field(
        default="", metadata=option("Port group for the nodes' management cards.", "deploy", "upgrade")
    )
    transport: str = field(default=DEFAULT_TRANSPORT, metadata=option(TRANSPORT_HELP, "deploy", "upgrade"))
    insecure: bool = field(default=False, metadata=option("Do not check vCenter's certificate."))


DESCRIPTION = Description(
    options=VsphereOptions,
    deploy="Create the nodes as virtual machines in a vCenter, cloned from the cluster's baked image.",
    destroy="Remove the cluster's machines, seeds and rule, and its image unless another cluster uses it.",
)
