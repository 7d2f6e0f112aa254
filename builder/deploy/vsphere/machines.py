"""The cluster's machines in a vCenter: its image as a template, and the nodes cloned from it."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http.client import HTTPException
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

from pyVmomi import vim, vmodl

from builder.core import files, paths
from builder.core.errors import TimedOut, UserError
from builder.core.progress import say
from builder.deploy import ovf
from builder.deploy.export import described
from builder.deploy.machine import BakedImage
from builder.deploy.vsphere import node, rule
from builder.deploy.vsphere.node import DesiredMachine
from builder.deploy.vsphere.session import PAUSE_SECONDS, Login, finish, translate_errors
from builder.deploy.vsphere.site import Found, Site
from builder.image import manifest

SHUTDOWN_SECONDS = 90


def clone(site: Site, each: DesiredMachine, cd: str) -> None:
    """Make the machine from its template, powered off; `cd` is its seed's place on the datastore, or empty."""
    extra = [vim.option.OptionValue(key=key, value=value) for key, value in each.variables.items()]
    note = f"A load balancer of {each.cluster}, by vipforge"
    with translate_errors(f"machine {each.name}"):
        original = site.machine(each.original)
        changes = [node.drive(original, cd)] if cd else []
        config = vim.vm.ConfigSpec(extraConfig=extra, annotation=note, deviceChange=changes)
        if each.properties:
            config.vAppConfig = settings(original, each.properties)
        where = vim.vm.RelocateSpec(pool=site.pool, datastore=site.datastore, host=rule.host(site, each.number))
        spec = vim.vm.CloneSpec(location=where, config=config, powerOn=False, template=False)
        task = original.CloneVM_Task(folder=site.folder, name=each.name, spec=spec)
    finish(task, f"machine {each.name}")


def start(site: Site, name: str) -> None:
    """Power it on."""
    with translate_errors(f"machine {name}"):
        task = site.machine(name).PowerOnVM_Task()
    finish(task, f"machine {name}")


def stop(site: Site, name: str) -> None:
    """Shut its guest down, or power it off where that is not heard; one that is off stays so."""
    with translate_errors(f"machine {name}"):
        found = site.machine(name)
        if not _is_on(found) or _shut_down(found):
            return
        task = found.PowerOffVM_Task()
    finish(task, f"machine {name}")


def rename(site: Site, name: str, new: str) -> None:
    """Give it another name."""
    with translate_errors(f"machine {name}"):
        task = site.machine(name).Rename_Task(new)
    finish(task, f"machine {name}")


def remove(site: Site, name: str) -> None:
    """Power it off and delete it with its disk; nothing is there to do where there is none."""
    with translate_errors(f"machine {name}"):
        found = site.machine(name)
        if found is None:
            return
        task = found.PowerOffVM_Task() if _is_on(found) else None
    if task:
        finish(task, f"machine {name}")
    with translate_errors(f"machine {name}"):
        task = found.Destroy_Task()
    finish(task, f"machine {name}")


def _shut_down(found: Any) -> bool:  # noqa: ANN401 - pyVmomi makes its types at run time
    """Ask the guest, through VMware's tools in it, to end; whether it did in time."""
    if found.guest is None or found.guest.toolsRunningStatus != "guestToolsRunning":
        return False
    found.ShutdownGuest()
    end = time.monotonic() + SHUTDOWN_SECONDS
    while _is_on(found):
        if time.monotonic() > end:
            say(f"the guest of {found.name} did not end within {SHUTDOWN_SECONDS} s: it is powered off")
            return False
        time.sleep(PAUSE_SECONDS)
    return True


def _is_on(found: Any) -> bool:  # noqa: ANN401
    return bool(found.runtime.powerState == vim.VirtualMachine.PowerState.poweredOn)


def settings(original: Any, values: Mapping[str, str]) -> vim.vApp.VmConfigSpec:  # noqa: ANN401 - pyVmomi's types
    """What a clone of the machine `original` is to have: these values by their keys, and both ways to the guest."""
    there = original.config.vAppConfig.property if original.config.vAppConfig else []
    return vim.vApp.VmConfigSpec(
        property=list(_changes(there, values)), ovfEnvironmentTransport=ovf.ENVIRONMENT_TRANSPORT.split()
    )


def _changes(there: list[Any], values: Mapping[str, str]) -> Iterator[vim.vApp.PropertySpec]:
    known = {each.id: each for each in there}
    free = count(max((each.key for each in there), default=-1) + 1)
    for category, entries in ovf.PROPERTIES.items():
        for name, label, description in entries:
            info = vim.vApp.PropertyInfo(
                key=known[name].key if name in known else next(free),
                id=name,
                category=category,
                label=label,
                description=description,
                type="string",
                userConfigurable=True,
                value=values[name],
            )
            yield vim.vApp.PropertySpec(operation="edit" if name in known else "add", info=info)


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
        remove(site, name)
        with files.workspace(image.path.parent / ".work", name) as work:
            vmdk = work / f"{name}-disk1.vmdk"
            manifest.convert(image.path, vmdk, "vmdk")
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
