"""A node as libvirt's domain XML (libvirt.org, "Domain XML format")."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, indent, register_namespace, tostring

from builder.lab.network import mac
from builder.ship.machine import CPUS, MEMORY_MIB, machine_name
from builder.spec.model import Cluster, Node

NAMESPACE = "urn:vipforge:node"


@dataclass(frozen=True)
class Shape:
    """What a domain is made of: volumes of one pool, a libvirt network or else a bridge, `kvm` or `qemu`; in MiB."""

    pool: str
    disk: str
    seed: str
    network: str
    bridge: str
    virtualization: str
    memory: int = MEMORY_MIB
    cpus: int = CPUS


def digest(xml: str) -> str:
    """What a domain is recognised by: libvirt fills in much, so its own XML cannot be compared."""
    return hashlib.sha256(xml.encode()).hexdigest()


def signed(xml: str, cluster: Cluster) -> str:
    """The XML with the digest of itself, by which a later run sees whether the domain is as it should be."""
    note = f'<vipforge:node xmlns:vipforge="{NAMESPACE}" cluster="{cluster.cluster}" digest="{digest(xml)}" />'
    return xml.replace("</domain>", f"  <metadata>\n    {note}\n  </metadata>\n</domain>")


def domain(cluster: Cluster, node: Node, shape: Shape) -> str:
    """The node's domain, the same for the same spec and image."""
    register_namespace("vipforge", NAMESPACE)
    root = Element("domain", type=shape.virtualization)
    _text(root, "name", machine_name(cluster, node))
    _text(root, "title", f"{node.name}, a load balancer of {cluster.cluster}")
    _text(root, "memory", str(shape.memory), unit="MiB")
    _text(root, "vcpu", str(shape.cpus))
    system = SubElement(root, "os")
    _text(system, "type", "hvm", arch="x86_64", machine="pc")
    SubElement(system, "boot", dev="hd")
    SubElement(SubElement(root, "features"), "acpi")
    SubElement(root, "cpu", mode="host-model" if shape.virtualization == "kvm" else "maximum")
    _text(root, "on_crash", "restart")
    _devices(SubElement(root, "devices"), cluster, node, shape)
    indent(root)
    return tostring(root, encoding="unicode") + "\n"


def _devices(devices: Element, cluster: Cluster, node: Node, shape: Shape) -> None:
    _disk(devices, "disk", "qcow2", (shape.pool, shape.disk), ("vda", "virtio"))
    # IDE: Debian's cloud kernel has no driver for SATA.
    _disk(devices, "cdrom", "raw", (shape.pool, shape.seed), ("hda", "ide"))
    card = SubElement(devices, "interface", type="bridge" if shape.bridge else "network")
    SubElement(card, "mac", address=mac(cluster, node))
    SubElement(card, "source", {"bridge": shape.bridge} if shape.bridge else {"network": shape.network})
    SubElement(card, "model", type="virtio")
    SubElement(devices, "serial", type="pty")
    SubElement(devices, "console", type="pty")
    SubElement(SubElement(devices, "rng", model="virtio"), "backend", model="random").text = "/dev/urandom"


def _disk(devices: Element, device: str, form: str, volume: tuple[str, str], target: tuple[str, str]) -> None:
    disk = SubElement(devices, "disk", type="volume", device=device)
    SubElement(disk, "driver", name="qemu", type=form)
    SubElement(disk, "source", pool=volume[0], volume=volume[1])
    SubElement(disk, "target", dev=target[0], bus=target[1])
    if device == "cdrom":
        SubElement(disk, "readonly")


def _text(parent: Element, tag: str, text: str, **attributes: str) -> None:
    SubElement(parent, tag, attributes).text = text
