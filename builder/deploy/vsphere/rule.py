"""The rule that keeps the nodes of a cluster on different hosts of a vCenter (DRS, anti-affinity)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from pyVmomi import vim

from builder.core.progress import Step, warn
from builder.deploy.hypervisor import machine_name
from builder.deploy.vsphere.session import finish, translate_errors
from builder.deploy.vsphere.site import MachineInfo, Site
from builder.spec.model import Cluster

FEWEST_APART = 2
"""vCenter accepts no anti-affinity rule for fewer machines."""


def rule_name(cluster: str) -> str:
    """Return the name of the cluster's rule."""
    return f"vipforge-{cluster}"


def machine_names(cluster: Cluster) -> set[str]:
    """Return the names of the machines that the rule keeps apart."""
    return {machine_name(cluster, node) for node in cluster.nodes}


def rule_step(cluster: Cluster, site: Site, existing: Mapping[str, MachineInfo], *, settled: bool) -> Step:
    """Return the step that writes the rule.

    The rule refers to machine objects, so it is written again if one was replaced (`settled` is false then).
    """
    name, names = rule_name(cluster.cluster), machine_names(cluster)
    with translate_errors(f"rule {name}"):
        rule = find_rule(site, name)
        machines = {existing[each].machine for each in names if each in existing}
        ready = settled and rule is not None and set(rule.vm) == machines
        _warn(site, len(names))
    return Step(f"rule {name}: the nodes on different hosts", ready, partial(_keep_apart, site, name, names))


def host_for(site: Site, number: int) -> Any:  # noqa: ANN401 - pyVmomi makes its types at run time
    """Return the host on which the node of that number starts; None lets DRS choose. Without DRS, hosts take turns."""
    if _has_drs(site):
        return None
    usable = [each for each in site.cluster.host if _is_usable(each)]
    return sorted(usable, key=lambda each: each.name)[number % len(usable)] if usable else None


def _warn(site: Site, nodes: int) -> None:
    if len(site.cluster.host) < nodes:
        warn(f"{site.cluster.name} has fewer hosts than the cluster has nodes: some nodes will share a host")
    elif not _has_drs(site):
        warn(f"DRS is off in {site.cluster.name}: the nodes start on different hosts, but nothing keeps them there")


def _has_drs(site: Site) -> bool:
    return bool(site.cluster.configurationEx.drsConfig.enabled)


def _is_usable(host: Any) -> bool:  # noqa: ANN401
    connected = host.runtime.connectionState == vim.HostSystem.ConnectionState.connected
    return bool(connected and not host.runtime.inMaintenanceMode)


def find_rule(site: Site, name: str) -> Any:  # noqa: ANN401
    """Return the rule of that name; None if there is none."""
    kind = vim.cluster.AntiAffinityRuleSpec
    rules = site.cluster.configurationEx.rule or ()
    return next((rule for rule in rules if isinstance(rule, kind) and rule.name == name), None)


def remove(site: Site, name: str) -> None:
    """Remove the rule if it exists."""
    with translate_errors(f"rule {name}"):
        rule = find_rule(site, name)
        task = rule and _change(site, vim.cluster.RuleSpec(operation="remove", removeKey=rule.key))
    if task:
        finish(task, f"rule {name}")


def _keep_apart(site: Site, name: str, names: set[str]) -> None:
    with translate_errors(f"rule {name}"):
        old = find_rule(site, name)
        machines = [found for found in map(site.machine, sorted(names)) if found]
        if len(machines) < FEWEST_APART:
            return
        rule = vim.cluster.AntiAffinityRuleSpec(name=name, enabled=True, userCreated=True, vm=machines)
        if old is not None:
            rule.key = old.key
        task = _change(site, vim.cluster.RuleSpec(operation="add" if old is None else "edit", info=rule))
    finish(task, f"rule {name}")


def _change(site: Site, change: Any) -> Any:  # noqa: ANN401
    spec = vim.cluster.ConfigSpecEx(rulesSpec=[change])
    return site.cluster.ReconfigureComputeResource_Task(spec, modify=True)
