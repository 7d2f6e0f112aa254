"""Where libvirt stores and runs the nodes (docs/kvm.md); command-line options take precedence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from builder.spec.faults import Fault
from builder.spec.lookup import texts
from builder.spec.syntax import Unfit
from builder.spec.values import InterfaceName, Part

LEAST_MEMORY = 512
MOST_MEMORY = 65536
LOCAL = "qemu:///system"

URI = re.compile(r"qemu(\+[a-z0-9]+)?://[!-~]*/(system|session)(\?[!-~]*)?")
PASSWORD = re.compile(r"//[^/@]*:[^/@]*@")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def _uri(text: str) -> str:
    if not URI.fullmatch(text):
        raise Unfit("must be the address of a QEMU host as libvirt writes it, such as qemu+ssh://root@kvm1/system")
    if PASSWORD.search(text):
        raise Unfit("must hold no password", "use an SSH key, or a ticket of Kerberos")
    return text


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise Unfit("must be a name of 64 characters at most: letters, digits, dots, hyphens or underscores")
    return text


Uri = Annotated[str, AfterValidator(_uri), Field(examples=["qemu+ssh://root@kvm1/system"])]
Name = Annotated[str, AfterValidator(_name), Field(examples=["default"])]


class Libvirt(Part):
    """Hosts, pool and network of the nodes, and the sizes of their machines."""

    hosts: Annotated[tuple[Uri, ...], Field(min_length=1, max_length=8)] = (LOCAL,)
    """libvirt's addresses of the hosts; nodes are assigned to them in turn, in the order of the spec."""
    pool: Name = "default"
    """Storage pool for images, disks and seeds."""
    network: Name | None = None
    """libvirt network of the nodes; the default is `default`, unless there is a bridge."""
    bridge: InterfaceName | None = None
    """The hosts' bridge for the nodes, instead of a network."""
    disks: Literal["overlay", "copy"] = "overlay"
    """A node's disk: an `overlay` stores only the differences from the image and depends on it, a `copy` is
    independent."""
    virtualization: Literal["auto", "kvm", "qemu"] = "auto"
    """The type of the domains; `auto` uses kvm if the host supports it, and otherwise qemu, which emulates and is
    slow."""
    memory_mib: Annotated[int, Field(ge=LEAST_MEMORY, le=MOST_MEMORY, strict=True)] = 1024
    """Memory of a node, in MiB."""
    cpus: Annotated[int, Field(ge=1, le=32, strict=True)] = 2
    """Virtual processors of a node."""


def faults(data: object) -> Iterator[Fault]:
    """What does not go together in `libvirt`."""
    if texts(data, "libvirt", "network"):
        for loc, _ in texts(data, "libvirt", "bridge"):
            yield Fault(loc, "libvirt has a network and a bridge", "a node has one card: remove one of the two")
