"""What is done to a machine: cloned, started, stopped, renamed, removed; each is looked up by name when it is done."""

from __future__ import annotations

import time
from typing import Any

from pyVmomi import vim

from builder.progress import say
from builder.ship.vsphere import rule, seeds, vapp
from builder.ship.vsphere.node import DesiredMachine
from builder.ship.vsphere.session import PAUSE_SECONDS, finish, translate_errors
from builder.ship.vsphere.site import Site

SHUTDOWN_SECONDS = 90


def clone(site: Site, each: DesiredMachine, cd: str) -> None:
    """Make the machine from its template, powered off; `cd` is its seed's place on the datastore, or empty."""
    extra = [vim.option.OptionValue(key=key, value=value) for key, value in each.variables.items()]
    note = f"A load balancer of {each.cluster}, by vipforge"
    with translate_errors(f"machine {each.name}"):
        original = site.machine(each.original)
        changes = [seeds.drive(original, cd)] if cd else []
        config = vim.vm.ConfigSpec(extraConfig=extra, annotation=note, deviceChange=changes)
        if each.properties:
            config.vAppConfig = vapp.settings(original, each.properties)
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
