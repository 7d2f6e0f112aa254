"""A node as it is wanted in a vCenter, and its seed on a datastore."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
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
from builder.deploy.vsphere.session import Login, outcome, translate_errors
from builder.deploy.vsphere.site import Found, Site
from builder.seed.seed import seed
from builder.seed.transports import Seed, Transport, nocloud
from builder.spec.model import Cluster, Node

SECONDS = 120


class Store:
    """The folder of one cluster on the site's datastore."""

    def __init__(self, site: Site, who: Login, cluster: str) -> None:
        self.who, self.site, self._folder = who, site, f"vipforge-{cluster}"
        with translate_errors("looking at the datastore"):
            self._query = urlencode({"dcPath": site.datacenter.name, "dsName": site.datastore.name})
            self._name = site.datastore.name

    def path(self, file: str) -> str:
        """The file's path as vSphere writes it: [DATASTORE] FOLDER/FILE."""
        return f"[{self._name}] {self._folder}/{file}"

    def has(self, file: str, size: int) -> bool:
        """Whether the file is there in this size, in bytes."""
        with translate_errors(self.path(file)):
            return self._size(file) == size

    def put(self, file: str, content: bytes) -> None:
        """Write the file, and its folder where there is none."""
        with translate_errors(self.path(file)):
            with suppress(vim.fault.FileAlreadyExists):
                self.site.content.fileManager.MakeDirectory(f"[{self._name}] {self._folder}", self.site.datacenter)
            with self._ask("PUT", file, content):
                pass

    def exists(self) -> bool:
        """Whether the folder is there."""
        path, everything = self.path("").rstrip("/"), vim.host.DatastoreBrowser.SearchSpec()
        with translate_errors(path):
            try:
                outcome(self.site.datastore.browser.SearchDatastore_Task(path, everything))
            except vim.fault.FileNotFound:
                return False
            return True

    def remove(self, file: str = "") -> None:
        """Delete the file, or with no name the whole folder; one that is not there is no fault."""
        path = self.path(file).rstrip("/")
        with translate_errors(path):
            if (self._size(file) is not None) if file else self.exists():
                outcome(self.site.content.fileManager.DeleteDatastoreFile_Task(path, self.site.datacenter))

    def _size(self, file: str) -> int | None:
        """The file's size in bytes; None where there is no such file."""
        try:
            with self._ask("HEAD", file) as answer:
                return int(answer.headers.get("Content-Length", -1))
        except urllib.error.HTTPError as refusal:
            if refusal.code == HTTPStatus.NOT_FOUND:
                return None
            raise

    def _ask(self, method: str, file: str, content: bytes | None = None) -> Any:  # noqa: ANN401 - urllib says so
        url = f"https://{self.who.server}/folder/{quote(self._folder)}/{quote(file)}?{self._query}"
        # pyVmomi has no other way to its session's cookie.
        headers = {"Cookie": self.site.content.fileManager._stub.cookie, "Content-Type": "application/octet-stream"}  # noqa: SLF001
        request = urllib.request.Request(url, data=content, headers=headers, method=method)
        return urllib.request.urlopen(request, timeout=SECONDS, context=self.who.trust())  # noqa: S310 - https


def drive(template: Any, path: str) -> vim.vm.device.VirtualDeviceSpec:  # noqa: ANN401 - pyVmomi's types
    """The template's CD drive with this file in it, from power-on."""
    kind = vim.vm.device.VirtualCdrom
    device = next(each for each in template.config.hardware.device if isinstance(each, kind))
    device.backing = kind.IsoBackingInfo(fileName=path)
    device.connectable = vim.vm.device.VirtualDevice.ConnectInfo(
        startConnected=True, allowGuestControl=True, connected=True
    )
    return vim.vm.device.VirtualDeviceSpec(operation="edit", device=device)


CLUSTER_KEY, IMAGE_KEY, SEED_KEY = (f"guestinfo.vipforge.{name}" for name in ("cluster", "image", "seed"))
KEPT = "-replaced"
"""What the name of a node's former machine ends in, until the new one has proven itself."""


@dataclass(frozen=True)
class Destination:
    """Where the nodes go, who puts them there, and which transport carries their seeds."""

    site: Site
    who: Login
    transport: Transport = nocloud.ISO


@dataclass(frozen=True)
class DesiredMachine:
    """One node as the spec and the image want it: its machine's variables, and its seed's CD or vApp properties.

    `number` is its place among the cluster's nodes.
    """

    name: str
    number: int
    original: str
    variables: dict[str, str]
    seed: Seed
    cd: bytes = b""
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def kept(self) -> str:
        """The name of its former machine."""
        return f"{self.name}{KEPT}"

    @property
    def file(self) -> str:
        """The name of its seed's CD on the datastore; empty if it has none."""
        return seed_file(self.seed.instance_id) if self.cd else ""

    @property
    def cluster(self) -> str:
        """The cluster that it is a node of."""
        return self.variables[CLUSTER_KEY]


def desired_machine(cluster: Cluster, node: Node, image: BakedImage, transport: Transport) -> DesiredMachine:
    """The node's machine as this spec, this image and this transport want it."""
    made = seed(cluster, node, image.facts, public=machine.seeded_files(cluster, image))
    name = machine_name(cluster, node)
    variables = {CLUSTER_KEY: cluster.cluster, IMAGE_KEY: image.label, SEED_KEY: made.instance_id}
    original, number = template_name(image.label), cluster.nodes.index(node)
    if transport.settings is None:
        return DesiredMachine(name, number, original, variables, made, transport.cd(made))
    settings = transport.settings(made)
    variables |= settings.variables
    return DesiredMachine(name, number, original, variables, made, properties=settings.properties)


def template_name(label: str) -> str:
    """An image's template: named by the image's digest, so that all clusters of one image share it."""
    return f"vipforge-image-{label}"


def seed_file(instance_id: str) -> str:
    """A seed's file on the datastore."""
    return f"{instance_id}.iso"


def owned(found: Found | None, cluster: str) -> Found | None:
    """The machine, or None where there is none; raises UserError where vipforge did not make it for this cluster."""
    if found is not None and found.variables.get(CLUSTER_KEY) != cluster:
        raise UserError(
            f"vCenter has a machine {found.name} that vipforge did not make for {cluster}",
            hint="rename it, or give the cluster another name",
        )
    return found


def is_same(each: DesiredMachine, found: Found | None) -> bool:
    """Whether the machine is as it should be; raises UserError where vipforge did not make it for this cluster."""
    ours = owned(found, each.cluster)
    return ours is not None and {key: ours.variables.get(key) for key in each.variables} == each.variables
