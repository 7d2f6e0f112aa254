"""Machines in a vCenter: importing an image as a template, and cloning, starting and removing machines."""

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
from builder.deploy.export import ovf_machine
from builder.deploy.machine import BakedImage
from builder.deploy.vsphere import node, rule
from builder.deploy.vsphere.node import DesiredMachine
from builder.deploy.vsphere.session import PAUSE_SECONDS, Login, finish, translate_errors
from builder.deploy.vsphere.site import MachineInfo, Site
from builder.image import manifest

SHUTDOWN_SECONDS = 90
LOCK_SECONDS = 60 * 60
LEASE_SECONDS = 10 * 60
PROGRESS_SECONDS = 30
"""Between two reports of progress; vCenter ends a lease that it has not heard of for five minutes."""
ANSWER_SECONDS = 5 * 60


def clone(site: Site, desired: DesiredMachine, cd: str) -> None:
    """Clone the machine from its template, powered off; `cd` is the datastore path of its seed, if that is a CD."""
    extra = [vim.option.OptionValue(key=key, value=value) for key, value in desired.variables.items()]
    annotation = f"A load balancer of {desired.cluster}, by vipforge"
    with translate_errors(f"machine {desired.name}"):
        template = site.machine(desired.template)
        changes = [*node.card_changes(template, desired, site), *([node.cd_drive(template, cd)] if cd else [])]
        config = vim.vm.ConfigSpec(extraConfig=extra, annotation=annotation, deviceChange=changes)
        if desired.properties:
            config.vAppConfig = vapp_settings(template, desired.properties)
        location = vim.vm.RelocateSpec(
            pool=site.pool, datastore=site.datastore, host=rule.host_for(site, desired.number)
        )
        spec = vim.vm.CloneSpec(location=location, config=config, powerOn=False, template=False)
        task = template.CloneVM_Task(folder=site.folder, name=desired.name, spec=spec)
    finish(task, f"machine {desired.name}")


def start(site: Site, name: str) -> None:
    """Power the machine on."""
    with translate_errors(f"machine {name}"):
        task = site.machine(name).PowerOnVM_Task()
    finish(task, f"machine {name}")


def stop(site: Site, name: str) -> None:
    """Shut the guest down, or power the machine off if the guest does not respond; does nothing if it is off."""
    with translate_errors(f"machine {name}"):
        found = site.machine(name)
        if not _is_on(found) or _shut_down(found):
            return
        task = found.PowerOffVM_Task()
    finish(task, f"machine {name}")


def rename(site: Site, name: str, new: str) -> None:
    """Rename the machine."""
    with translate_errors(f"machine {name}"):
        task = site.machine(name).Rename_Task(new)
    finish(task, f"machine {name}")


def remove(site: Site, name: str) -> None:
    """Power the machine off and delete it with its disk; does nothing if it does not exist."""
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
    """Ask the guest to shut down, through VMware's tools in it; return whether it did so in time."""
    if found.guest is None or found.guest.toolsRunningStatus != "guestToolsRunning":
        return False
    found.ShutdownGuest()
    end = time.monotonic() + SHUTDOWN_SECONDS
    while _is_on(found):
        if time.monotonic() > end:
            say(f"the guest of {found.name} did not shut down within {SHUTDOWN_SECONDS} s: powering it off")
            return False
        time.sleep(PAUSE_SECONDS)
    return True


def _is_on(found: Any) -> bool:  # noqa: ANN401
    return bool(found.runtime.powerState == vim.VirtualMachine.PowerState.poweredOn)


def vapp_settings(template: Any, values: Mapping[str, str]) -> vim.vApp.VmConfigSpec:  # noqa: ANN401 - pyVmomi's types
    """Return the vApp configuration of a clone of `template`: these values by property ID."""
    existing = template.config.vAppConfig.property if template.config.vAppConfig else []
    return vim.vApp.VmConfigSpec(
        property=list(_property_changes(existing, values)), ovfEnvironmentTransport=ovf.ENVIRONMENT_TRANSPORT.split()
    )


def _property_changes(existing: list[Any], values: Mapping[str, str]) -> Iterator[vim.vApp.PropertySpec]:
    known = {each.id: each for each in existing}
    free_keys = count(max((each.key for each in existing), default=-1) + 1)
    for category, entries in ovf.PROPERTIES.items():
        for name, label, description in entries:
            info = vim.vApp.PropertyInfo(
                key=known[name].key if name in known else next(free_keys),
                id=name,
                category=category,
                label=label,
                description=description,
                type="string",
                userConfigurable=True,
                value=values[name],
            )
            yield vim.vApp.PropertySpec(operation="edit" if name in known else "add", info=info)


def is_template(found: MachineInfo | None) -> bool:
    """Return whether it is a template; what an interrupted import leaves behind is not."""
    return found is not None and found.template


def make_template(site: Site, login: Login, image: BakedImage, name: str) -> None:
    """Import the image and mark it as a template; if that fails, nothing stays."""
    where = f"template {name}"
    with files.locked(paths.state("vsphere", f"{name}.lock"), where, timeout=LOCK_SECONDS):
        with translate_errors(where):
            if is_template(site.find([name]).get(name)):  # a concurrent deployment from this host did it
                return
        remove(site, name)
        with files.workspace(image.path.parent / ".work", name) as work:
            vmdk = work / f"{name}-disk1.vmdk"
            manifest.convert(image.path, vmdk, "vmdk")
            with translate_errors(where):
                _import(site, login, ovf.descriptor(ovf_machine(image.path, vmdk)), vmdk, name)
                site.machine(name).MarkAsTemplate()


def _import(site: Site, login: Login, descriptor: str, vmdk: Path, name: str) -> None:
    mapping = [vim.OvfManager.NetworkMapping(name=ovf.NETWORK, network=site.network)]
    parameters = vim.OvfManager.CreateImportSpecParams(
        entityName=name, networkMapping=mapping, diskProvisioning="thin"
    )
    spec = site.content.ovfManager.CreateImportSpec(descriptor, site.pool, site.datastore, parameters)
    if spec.error:
        raise UserError("; ".join(error.msg or str(error) for error in spec.error))
    lease = site.pool.ImportVApp(spec.importSpec, site.folder)
    _await_lease(lease)
    try:
        (item,) = spec.fileItem
        url = next(each.url for each in lease.info.deviceUrl if each.importKey == item.deviceId)
        _send(url.replace("*", login.server), vmdk, lease, login)
        lease.HttpNfcLeaseComplete()
    except BaseException:
        with suppress(vmodl.MethodFault, OSError, HTTPException):  # the import's own error is the one to report
            lease.HttpNfcLeaseAbort()
        raise


def _await_lease(lease: Any) -> None:  # noqa: ANN401 - pyVmomi makes its types at run time
    end = time.monotonic() + LEASE_SECONDS
    while lease.state != vim.HttpNfcLease.State.ready:
        if lease.state == vim.HttpNfcLease.State.error:
            raise lease.error
        if time.monotonic() > end:
            raise TimedOut(f"vCenter did not open the import within {LEASE_SECONDS} s")
        time.sleep(PAUSE_SECONDS)


def _send(url: str, vmdk: Path, lease: Any, login: Login) -> None:  # noqa: ANN401
    size = vmdk.stat().st_size
    headers = {"Content-Type": "application/x-vnd.vmware-streamVmdk", "Content-Length": str(size)}
    with vmdk.open("rb") as file:
        request = urllib.request.Request(url, data=_LeaseKeeper(file, size, lease), headers=headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS, context=login.trust()):  # noqa: S310
            pass


class _LeaseKeeper:
    """A file that, while it is read, keeps the lease alive by reporting progress to vCenter."""

    def __init__(self, file: BinaryIO, size: int, lease: Any) -> None:  # noqa: ANN401
        self._file, self._size, self._lease = file, size, lease
        self._reported = time.monotonic()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes of the file."""
        if time.monotonic() - self._reported > PROGRESS_SECONDS:
            self._lease.HttpNfcLeaseProgress(100 * self._file.tell() // max(self._size, 1))
            self._reported = time.monotonic()
        return self._file.read(size)
