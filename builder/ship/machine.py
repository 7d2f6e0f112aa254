"""A node as a virtual machine: its name, its sizes, and what hypervisors call its guest."""

from __future__ import annotations

from dataclasses import dataclass

from builder.guests import known
from builder.spec.model import Cluster, Node

CPUS = 2
MEMORY_MIB = 1024


@dataclass(frozen=True)
class GuestSystem:
    """A guest as hypervisors know it: DMTF's number (CIM_OperatingSystem.OsType) and vSphere's identifier."""

    number: int
    vsphere: str
    title: str


ANY_LINUX = GuestSystem(101, "otherLinux64Guest", "Linux (64-bit)")


@dataclass(frozen=True)
class OvfMachine:
    """One appliance for an OVF descriptor: `file_size` and `capacity` are bytes, `memory` is MiB."""

    name: str
    system: GuestSystem
    version: str
    disk_file: str
    file_size: int
    capacity: int
    cpus: int = CPUS
    memory: int = MEMORY_MIB


def system(guest: str) -> GuestSystem:
    """The guest of that name; any Linux for an image that does not say what it is."""
    facts = known().get(guest)
    if facts is None:
        return ANY_LINUX
    return GuestSystem(facts.cim_type, facts.vsphere_type, f"{facts.full_title or facts.title} (64-bit)")


def machine_name(cluster: Cluster, node: Node) -> str:
    """A node's name on a hypervisor: no two clusters there can share it."""
    return f"{cluster.cluster}-{node.name.split('.')[0]}"
