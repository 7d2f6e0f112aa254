"""The image as a template: imported once by OVF (vSphere Web Services API, HttpNfcLease), cloned for every node.

It is named by the image's digest, so all clusters of one image share it.
"""

from __future__ import annotations

import time
import urllib.request
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any, BinaryIO

from pyVmomi import vim, vmodl

from builder import files, paths
from builder.errors import TimedOut, UserError
from builder.ship import disk, ovf
from builder.ship.baked_image import BakedImage
from builder.ship.export import described
from builder.ship.vsphere import machines
from builder.ship.vsphere.session import PAUSE_SECONDS, Login, translate_errors
from builder.ship.vsphere.site import Found, Site

LOCK_SECONDS = 60 * 60
LEASE_SECONDS = 10 * 60
ALIVE_SECONDS = 30
"""A lease that hears nothing for five minutes ends."""
ANSWER_SECONDS = 5 * 60


def is_ready(found: Found | None) -> bool:
    """Whether it is a template; what a broken import left is none."""
    return found is not None and found.template


def make(site: Site, who: Login, image: BakedImage, name: str) -> None:
    """Import the image and mark it as a template; where that fails nothing stays."""
    where = f"template {name}"
    with files.locked(paths.state("vsphere", f"{name}.lock"), where, timeout=LOCK_SECONDS):
        with translate_errors(where):
            if is_ready(site.find([name]).get(name)):  # another deployment from this host was at it
                return
        machines.remove(site, name)
        with files.workspace(image.path.parent / ".work", name) as work:
            vmdk = work / f"{name}-disk1.vmdk"
            disk.convert(image.path, vmdk, "vmdk")
            with translate_errors(where):
                _import(site, who, ovf.descriptor(described(image.path, vmdk)), vmdk, name)
                site.machine(name).MarkAsTemplate()


def _import(site: Site, who: Login, descriptor: str, vmdk: Path, name: str) -> None:
    mapping = [vim.OvfManager.NetworkMapping(name=ovf.NETWORK, network=site.network)]
    wanted = vim.OvfManager.CreateImportSpecParams(entityName=name, networkMapping=mapping, diskProvisioning="thin")
    spec = site.content.ovfManager.CreateImportSpec(descriptor, site.pool, site.datastore, wanted)
    if spec.error:
        raise UserError("; ".join(error.msg or str(error) for error in spec.error))
    lease = site.pool.ImportVApp(spec.importSpec, site.folder)
    _await(lease)
    try:
        (item,) = spec.fileItem
        url = next(each.url for each in lease.info.deviceUrl if each.importKey == item.deviceId)
        _send(url.replace("*", who.server), vmdk, lease, who)
        lease.HttpNfcLeaseComplete()
    except BaseException:
        with suppress(vmodl.MethodFault, OSError, HTTPException):  # why the import failed is what people want to know
            lease.HttpNfcLeaseAbort()
        raise


def _await(lease: Any) -> None:  # noqa: ANN401 - pyVmomi makes its types at run time
    end = time.monotonic() + LEASE_SECONDS
    while lease.state != vim.HttpNfcLease.State.ready:
        if lease.state == vim.HttpNfcLease.State.error:
            raise lease.error
        if time.monotonic() > end:
            raise TimedOut(f"vCenter did not open the import within {LEASE_SECONDS} s")
        time.sleep(PAUSE_SECONDS)


def _send(url: str, vmdk: Path, lease: Any, who: Login) -> None:  # noqa: ANN401
    size = vmdk.stat().st_size
    headers = {"Content-Type": "application/x-vnd.vmware-streamVmdk", "Content-Length": str(size)}
    with vmdk.open("rb") as file:
        request = urllib.request.Request(url, data=_Watched(file, size, lease), headers=headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS, context=who.trust()):  # noqa: S310
            pass


class _Watched:
    """A file whose reading keeps the lease alive and tells vCenter how far it is."""

    def __init__(self, file: BinaryIO, size: int, lease: Any) -> None:  # noqa: ANN401
        self._file, self._size, self._lease = file, size, lease
        self._told = time.monotonic()

    def read(self, size: int = -1) -> bytes:
        """The next bytes of the file."""
        if time.monotonic() - self._told > ALIVE_SECONDS:
            self._lease.HttpNfcLeaseProgress(100 * self._file.tell() // max(self._size, 1))
            self._told = time.monotonic()
        return self._file.read(size)
