"""A node's seed on the datastore, as the CD of its machine, which needs nothing of VMware in the guest.

Files of a datastore are written over HTTPS (vSphere Web Services SDK, "HTTP access to vSphere server files").
"""

from __future__ import annotations

import urllib.error
import urllib.request
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from pyVmomi import vim

from builder.ship.vsphere.session import Login, outcome, translate_errors
from builder.ship.vsphere.site import Site

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
