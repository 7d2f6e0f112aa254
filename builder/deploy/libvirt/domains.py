"""The XML of a node's domain, and the domains that exist on a host."""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal
from xml.etree.ElementTree import Element, SubElement, fromstring, indent, register_namespace, tostring

from builder.core.errors import UserError
from builder.core.quoting import xml_text
from builder.deploy.hypervisor import CPUS, MEMORY_MIB, machine_name
from builder.deploy.libvirt import binding, translate_errors
from builder.lab.network import macs
from builder.spec.model import Cluster, Node

NAMESPACE = "urn:vipforge:node"
POWER_OFF_SECONDS = 90.0
"""How long a guest may take to shut down before its power is cut."""
PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Link:
    """What a network card is connected to: a libvirt network, or a bridge of the host."""

    kind: Literal["network", "bridge"]
    name: str


@dataclass(frozen=True)
class Shape:
    """What varies in a domain: the volumes in one pool, what its cards are connected to, `kvm` or `qemu`, the size.

    `memory` is in MiB; `management` is None if there is no second card.
    """

    pool: str
    disk: str
    seed: str
    link: Link
    virtualization: str
    management: Link | None = None
    memory: int = MEMORY_MIB
    cpus: int = CPUS


def digest(xml: str) -> str:
    """Return the digest that identifies a domain; libvirt completes the XML, so the XML itself cannot be compared."""
    return hashlib.sha256(xml.encode()).hexdigest()


def with_note(xml: str, cluster: Cluster) -> str:
    """Add a note with the cluster and the XML's digest, by which a later run sees whether the domain is up to date."""
    note = (
        f'<vipforge:node xmlns:vipforge="{NAMESPACE}" cluster="{xml_text(cluster.cluster)}" digest="{digest(xml)}" />'
    )
    return xml.replace("</domain>", f"  <metadata>\n    {note}\n  </metadata>\n</domain>")


def domain(cluster: Cluster, node: Node, shape: Shape) -> str:
    """Return the XML of the node's domain, which is always the same for the same spec and image."""
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
    known = macs(cluster, node)
    _card(devices, shape.link, known.primary)
    if shape.management:
        _card(devices, shape.management, known.management)
    SubElement(devices, "serial", type="pty")
    SubElement(devices, "console", type="pty")
    SubElement(SubElement(devices, "rng", model="virtio"), "backend", model="random").text = "/dev/urandom"


def _disk(devices: Element, device: str, volume_format: str, volume: tuple[str, str], target: tuple[str, str]) -> None:
    disk = SubElement(devices, "disk", type="volume", device=device)
    SubElement(disk, "driver", name="qemu", type=volume_format)
    SubElement(disk, "source", pool=volume[0], volume=volume[1])
    SubElement(disk, "target", dev=target[0], bus=target[1])
    if device == "cdrom":
        SubElement(disk, "readonly")


def _card(devices: Element, link: Link, mac: str) -> None:
    card = SubElement(devices, "interface", type=link.kind)
    SubElement(card, "mac", address=mac)
    SubElement(card, "source", {link.kind: link.name})
    SubElement(card, "model", type="virtio")


def _text(parent: Element, tag: str, text: str, **attributes: str) -> None:
    SubElement(parent, tag, attributes).text = text


class Domains:
    """The domains on a host. Methods raise UserError with libvirt's message."""

    def __init__(self, uri: str, connection: Any) -> None:  # noqa: ANN401 - libvirt has no types
        self._uri = uri
        self._connection = connection

    def note(self, name: str) -> dict[str, str] | None:
        """Return vipforge's note on the domain: None if there is no such domain, {} if vipforge did not create it."""
        try:
            domain = self._connection.lookupByName(name)
        except binding().libvirtError:
            return None
        return _note(domain)

    def own_note(self, name: str, cluster: str) -> dict[str, str] | None:
        """Like `note`, but raises UserError if vipforge did not create the domain for this cluster."""
        note = self.note(name)
        if note is not None and note.get("cluster") != cluster:
            raise UserError(
                f"{self._uri} has a domain {name} that vipforge did not create for {cluster}",
                hint="rename it, or give the cluster another name",
            )
        return note

    def of_cluster(self, cluster: str) -> list[str]:
        """Return the names of all domains that vipforge created for the cluster."""
        with translate_errors(self._uri):
            everything = self._connection.listAllDomains(0)
            return sorted(domain.name() for domain in everything if _note(domain).get("cluster") == cluster)

    def names(self) -> list[str]:
        """Return the names of all domains."""
        with translate_errors(self._uri):
            return sorted(domain.name() for domain in self._connection.listAllDomains(0))

    def volumes(self, name: str) -> set[str]:
        """Return the names of the volumes that the domain uses; none if there is no such domain."""
        with suppress(binding().libvirtError):
            xml = self._connection.lookupByName(name).XMLDesc(0)
            sources = fromstring(xml).iterfind("devices/disk/source")  # noqa: S314 - libvirt's own
            return {volume for source in sources if (volume := source.get("volume"))}
        return set()

    def define(self, xml: str) -> None:
        """Define the domain and let it start with the host."""
        with translate_errors(self._uri):
            self._connection.defineXML(xml).setAutostart(1)

    def is_running(self, name: str) -> bool:
        """Return whether the domain exists and is active."""
        with suppress(binding().libvirtError):
            return bool(self._connection.lookupByName(name).isActive())
        return False

    def start(self, name: str) -> None:
        """Power the domain on unless it is running."""
        with translate_errors(f"{self._uri}: domain {name}"):
            domain = self._connection.lookupByName(name)
            if not domain.isActive():
                domain.create()

    def remove(self, name: str) -> None:
        """Power the domain off immediately and undefine it; its volumes stay."""
        with translate_errors(f"{self._uri}: domain {name}"):
            domain = self._connection.lookupByName(name)
            if domain.isActive():
                domain.destroy()
            domain.undefine()

    def set_aside(self, name: str, other: str) -> None:
        """Shut the domain down and keep it under another name; it no longer starts with the host."""
        with translate_errors(f"{self._uri}: domain {name}"):
            domain = self._connection.lookupByName(name)
            _power_off(domain)
            domain.setAutostart(0)
            domain.rename(other, 0)

    def take_back(self, other: str, name: str) -> None:
        """Undo `set_aside`, except that the domain stays off."""
        with translate_errors(f"{self._uri}: domain {other}"):
            domain = self._connection.lookupByName(other)
            domain.rename(name, 0)
            domain.setAutostart(1)


def _power_off(domain: Any) -> None:  # noqa: ANN401 - libvirt has no types
    """Ask the guest to shut down, which keeps its file system clean; cut the power if it does not."""
    end = time.monotonic() + POWER_OFF_SECONDS
    with suppress(binding().libvirtError):  # the guest may have shut down just now
        if domain.isActive():
            domain.shutdown()
        while domain.isActive() and time.monotonic() < end:
            time.sleep(PAUSE_SECONDS)
    if domain.isActive():
        domain.destroy()


def _note(domain: Any) -> dict[str, str]:  # noqa: ANN401 - libvirt has no types
    libvirt = binding()
    with suppress(libvirt.libvirtError):
        text = domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE)
        return dict(fromstring(text).attrib)  # noqa: S314 - libvirt's own
    return {}
