"""The rule that keeps the nodes of a cluster on different hosts of a vCenter (DRS, anti-affinity)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from pyVmomi import vim

from builder.core.progress import Step, warn
from builder.deploy.hypervisor import machine_name
from builder.deploy.vsphere.session import finish, translate_errors
from builder.deploy.vsphere.site import Found, Site
from builder.spec.model import Cluster


def rule_name(cluster: str) -> str:
    """What the cluster's rule is called."""
    return f"vipforge-{cluster}"


def members(cluster: Cluster) -> set[str]:
    """The machines that are to be apart."""
    return {machine_name(cluster, node) for node in cluster.nodes}


def step(cluster: Cluster, site: Site, there: Mapping[str, Found], *, settled: bool) -> Step:
    """The rule names machines, so it has to be written again when one was replaced (`settled` is false then)."""
    name, names = rule_name(cluster.cluster), members(cluster)
    with translate_errors(f"rule {name}"):
        rule = find_rule(site, name)
        machines = {there[each].machine for each in names if each in there}
        ready = settled and rule is not None and set(rule.vm) == machines
        _warn(site, len(names))
    return Step(f"rule {name}: the nodes on different hosts", ready, partial(_keep_apart, site, name, names))


def host(site: Site, number: int) -> Any:  # noqa: ANN401 - pyVmomi makes its types at run time
    """Where the node of that number starts: None leaves it to DRS; without DRS, a host of its own if there is one."""
    if _has_drs(site):
        return None
    usable = [each for each in site.cluster.host if _is_usable(each)]
    return sorted(usable, key=lambda each: each.name)[number % len(usable)] if usable else None


def _warn(site: Site, nodes: int) -> None:
    if len(site.cluster.host) < nodes:
        warn(f"{site.cluster.name} has fewer hosts than the cluster has nodes: they cannot all be apart")
    elif not _has_drs(site):
        warn(f"DRS is off in {site.cluster.name}: the nodes start apart, and nothing keeps them so")


def _has_drs(site: Site) -> bool:
    return bool(site.cluster.configurationEx.drsConfig.enabled)


def _is_usable(host: Any) -> bool:  # noqa: ANN401
    connected = host.runtime.connectionState == vim.HostSystem.ConnectionState.connected
    return bool(connected and not host.runtime.inMaintenanceMode)


def find_rule(site: Site, name: str) -> Any:  # noqa: ANN401
    """The rule of that name; None where there is none."""
    kind = vim.cluster.AntiAffinityRuleSpec
    rules = site.cluster.configurationEx.rule or ()
    return next((rule for rule in rules if isinstance(rule, kind) and rule.name == name), None)


def remove(site: Site, name: str) -> None:
    """Take the rule away, if there is one."""
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


FEWEST_APART = 2
"""vCenter takes no anti-affinity rule for fewer machines."""
