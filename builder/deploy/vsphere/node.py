"""A node's machine as the spec and the image require it, and its seed on a datastore."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from pyVmomi import vim

from builder.core.errors import UserError
from builder.deploy import machine
from builder.deploy.hypervisor import machine_name
from builder.deploy.machine import BakedImage
from builder.deploy.vsphere.session import Login, task_result, translate_errors
from builder.deploy.vsphere.site import MachineInfo, Site
from builder.seed.network import HardwareAddresses, spec_addresses
from builder.seed.seed import seed
from builder.seed.transports import Seed, Transport, nocloud
from builder.spec.model import Cluster, Node

SECONDS = 120
VENDOR_BYTES = 3
NEW_DEVICE = -1
"""A device that does not exist yet has a negative key (vSphere Web Services, VirtualDevice)."""
CLUSTER_KEY, IMAGE_KEY, SEED_KEY, TRANSPORT_KEY, NETWORK_KEY, MANAGEMENT_KEY = (
    f"guestinfo.vipforge.{name}" for name in ("cluster", "image", "seed", "transport", "network", "management")
)
"""What a machine was created from. A seed's instance ID says nothing about how the seed reaches the machine."""
KEPT = "-replaced"
"""The suffix of a node's former machine, which is kept until the new one has proven itself."""


class SeedStore:
    """The folder on the datastore that holds one cluster's seeds."""

    def __init__(self, site: Site, login: Login, cluster: str) -> None:
        self.login, self.site, self._folder = login, site, f"vipforge-{cluster}"
        with translate_errors("looking at the datastore"):
            self._query = urlencode({"dcPath": site.datacenter.name, "dsName": site.datastore.name})
            self._name = site.datastore.name

    def path(self, file: str) -> str:
        """Return the file's path as vSphere writes it: [DATASTORE] FOLDER/FILE."""
        return f"[{self._name}] {self._folder}/{file}"

    def has(self, file: str, size: int) -> bool:
        """Return whether the file exists and has this size in bytes."""
        with translate_errors(self.path(file)):
            return self._size(file) == size

    def put(self, file: str, content: bytes) -> None:
        """Write the file; creates the folder if necessary."""
        with translate_errors(self.path(file)):
            with suppress(vim.fault.FileAlreadyExists):
                self.site.content.fileManager.MakeDirectory(f"[{self._name}] {self._folder}", self.site.datacenter)
            with self._ask("PUT", file, content):
                pass

    def exists(self) -> bool:
        """Return whether the folder exists."""
        path, everything = self.path("").rstrip("/"), vim.host.DatastoreBrowser.SearchSpec()
        with translate_errors(path):
            try:
                task_result(self.site.datastore.browser.SearchDatastore_Task(path, everything))
            except vim.fault.FileNotFound:
                return False
            return True

    def remove(self, file: str = "") -> None:
        """Delete the file, or the whole folder if no file is named; does nothing if it does not exist."""
        path = self.path(file).rstrip("/")
        with translate_errors(path):
            if (self._size(file) is not None) if file else self.exists():
                task_result(self.site.content.fileManager.DeleteDatastoreFile_Task(path, self.site.datacenter))

    def _size(self, file: str) -> int | None:
        """Return the file's size in bytes; None if there is no such file."""
        try:
            with self._ask("HEAD", file) as answer:
                return int(answer.headers.get("Content-Length", -1))
        except urllib.error.HTTPError as refusal:
            if refusal.code == HTTPStatus.NOT_FOUND:
                return None
            raise

    def _ask(self, method: str, file: str, content: bytes | None = None) -> Any:  # noqa: ANN401 - as urlopen returns
        url = f"https://{self.login.server}/folder/{quote(self._folder)}/{quote(file)}?{self._query}"
        # pyVmomi offers no other access to its session's cookie.
        headers = {"Cookie": self.site.content.fileManager._stub.cookie, "Content-Type": "application/octet-stream"}  # noqa: SLF001
        request = urllib.request.Request(url, data=content, headers=headers, method=method)
        return urllib.request.urlopen(request, timeout=SECONDS, context=self.login.trust())  # noqa: S310 - https


def cd_drive(template: Any, path: str) -> vim.vm.device.VirtualDeviceSpec:  # noqa: ANN401 - pyVmomi's types
    """Return the change that puts this file into the template's CD drive, connected at power-on."""
    kind = vim.vm.device.VirtualCdrom
    device = next(each for each in template.config.hardware.device if isinstance(each, kind))
    device.backing = kind.IsoBackingInfo(fileName=path)
    device.connectable = vim.vm.device.VirtualDevice.ConnectInfo(
        startConnected=True, allowGuestControl=True, connected=True
    )
    return vim.vm.device.VirtualDeviceSpec(operation="edit", device=device)


def _is_connected(backing: Any, network: Any) -> bool:  # noqa: ANN401
    """Return whether a card is connected to this network, as the template's is to the one it was imported for.

    Such a card stays as it is, because a new connection to a distributed port group has to name its switch's UUID, and
    reading that takes the privilege System.Read on the switch.
    """
    if isinstance(network, vim.dvs.DistributedVirtualPortgroup):
        port = getattr(backing, "port", None)
        return bool(port and port.portgroupKey == network.key)
    return bool(getattr(backing, "deviceName", None) == network.name)


def _backing(kind: Any, network: Any) -> Any:  # noqa: ANN401
    """Return the connection to a distributed port group, to a segment of NSX, or to a standard port group."""
    if isinstance(network, vim.dvs.DistributedVirtualPortgroup):
        switch: Any = network.config.distributedVirtualSwitch
        port = vim.dvs.PortConnection(portgroupKey=network.key, switchUuid=switch.uuid)
        return kind.DistributedVirtualPortBackingInfo(port=port)
    if isinstance(network, vim.OpaqueNetwork):
        summary = network.summary
        return kind.OpaqueNetworkBackingInfo(
            opaqueNetworkId=summary.opaqueNetworkId, opaqueNetworkType=summary.opaqueNetworkType
        )
    return kind.NetworkBackingInfo(deviceName=network.name, network=network)


@dataclass(frozen=True)
class Destination:
    """Where the nodes go, the login that puts them there, and the transport of their seeds."""

    site: Site
    login: Login
    transport: Transport = nocloud.ISO


@dataclass(frozen=True)
class DesiredMachine:
    """One node's machine: its template, its guestinfo variables, and its seed as a CD or as vApp properties.

    `number` is the node's index in the cluster.
    """

    name: str
    number: int
    template: str
    variables: dict[str, str]
    seed: Seed
    known: HardwareAddresses
    """The hardware addresses of its cards; vCenter chooses those that are empty."""
    cd: bytes = b""
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def kept(self) -> str:
        """The name of the former machine while it is kept."""
        return f"{self.name}{KEPT}"

    @property
    def file(self) -> str:
        """The file name of the seed's CD on the datastore; empty if the seed is not a CD."""
        return seed_file(self.seed.instance_id) if self.cd else ""

    @property
    def cluster(self) -> str:
        """The name of the node's cluster."""
        return self.variables[CLUSTER_KEY]


def card_changes(template: Any, desired: DesiredMachine, site: Site) -> Iterator[vim.vm.device.VirtualDeviceSpec]:  # noqa: ANN401
    """Yield the changes that connect the template's card, which all networks share, and add the management card."""
    kind = vim.vm.device.VirtualEthernetCard
    device = next(each for each in template.config.hardware.device if isinstance(each, kind))
    if not _is_connected(device.backing, site.network):
        device.backing = _backing(kind, site.network)
    if desired.known.primary:
        device.addressType, device.macAddress = "manual", desired.known.primary
    yield vim.vm.device.VirtualDeviceSpec(operation="edit", device=device)
    if desired.known.management:
        connected = vim.vm.device.VirtualDevice.ConnectInfo(startConnected=True, allowGuestControl=True)
        second = vim.vm.device.VirtualVmxnet3(
            key=NEW_DEVICE, backing=_backing(kind, site.management), connectable=connected
        )
        second.addressType, second.macAddress = "manual", desired.known.management
        yield vim.vm.device.VirtualDeviceSpec(operation="add", device=second)


def desired_machine(cluster: Cluster, node: Node, image: BakedImage, destination: Destination) -> DesiredMachine:
    """Describe the node's machine for this spec, image and destination."""
    known = hardware_addresses(cluster, node)
    node_seed = seed(cluster, node, image.facts, public=machine.seeded_files(cluster, image), known=known)
    name = machine_name(cluster, node)
    transport = destination.transport
    variables = {
        CLUSTER_KEY: cluster.cluster,
        IMAGE_KEY: image.label,
        SEED_KEY: node_seed.instance_id,
        TRANSPORT_KEY: transport.name,
        NETWORK_KEY: destination.site.network_name,
    }
    if cluster.management:
        variables[MANAGEMENT_KEY] = destination.site.management_name
    template, number = template_name(image.label), cluster.nodes.index(node)
    if transport.settings is None:
        return DesiredMachine(name, number, template, variables, node_seed, known, transport.cd(node_seed))
    settings = transport.settings(node_seed)
    variables |= settings.variables
    return DesiredMachine(name, number, template, variables, node_seed, known, properties=settings.properties)


def hardware_addresses(cluster: Cluster, node: Node) -> HardwareAddresses:
    """Return those that the spec names; for two cards, stable ones of VMware's range for addresses set by hand.

    With one card, vCenter may choose. The range is 00:50:56:00:00:00 to 00:50:56:3f:ff:ff (VMware's documentation).
    """
    given = spec_addresses(cluster, node)
    if cluster.management is None or given.primary:
        return given
    digest = hashlib.sha256(f"{cluster.cluster}/{node.name}".encode()).digest()
    parts = (digest[:VENDOR_BYTES], digest[VENDOR_BYTES : 2 * VENDOR_BYTES])
    return HardwareAddresses(*(f"00:50:56:{part[0] & 0x3F:02x}:{part[1]:02x}:{part[2]:02x}" for part in parts))


def template_name(label: str) -> str:
    """Return the name of an image's template; it contains the digest, so that clusters share the template."""
    return f"vipforge-image-{label}"


def seed_file(instance_id: str) -> str:
    """Return the name of a seed's file on the datastore."""
    return f"{instance_id}.iso"


def owned(found: MachineInfo | None, cluster: str) -> MachineInfo | None:
    """Return `found` unchanged; raises UserError if it is a machine that vipforge did not create for this cluster."""
    if found is not None and found.variables.get(CLUSTER_KEY) != cluster:
        raise UserError(
            f"vCenter has a machine {found.name} that vipforge did not create for {cluster}",
            hint="rename it, or give the cluster another name",
        )
    return found


def is_same(desired: DesiredMachine, found: MachineInfo | None) -> bool:
    """Return whether the machine is up to date; raises UserError if vipforge did not create it for this cluster."""
    ours = owned(found, desired.cluster)
    return ours is not None and {key: ours.variables.get(key) for key in desired.variables} == desired.variables
