"""The part of a vCenter's inventory that a deployment uses, and looking up machines there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pyVmomi import vim, vmodl

from builder.core.errors import UserError
from builder.deploy.vsphere import VsphereOptions
from builder.deploy.vsphere.session import translate_errors

EXTRA = "config.extraConfig"
UPLINKS = "SYSTEM/DVS.UPLINKPG"
"""vCenter's tag on the port group that holds a distributed switch's uplinks, to which no machine can be connected."""


@dataclass(frozen=True)
class MachineInfo:
    """A machine or template, with its properties at the time of the request."""

    machine: Any
    name: str
    variables: dict[str, str]
    on: bool
    template: bool


@dataclass(frozen=True)
class Site:
    """The inventory objects that the operator chose; pyVmomi creates their types at run time."""

    content: Any
    datacenter: Any
    cluster: Any
    datastore: Any
    requested_network: str = ""
    requested_management: str = ""

    @cached_property
    def network(self) -> Any:  # noqa: ANN401
        """The port group for machines, which a removal does not need; raises UserError like `find_site`."""
        with translate_errors("looking through the inventory"):
            return _one(self._networks(), self.requested_network, "network", "--network")

    @cached_property
    def management(self) -> Any:  # noqa: ANN401
        """The port group for management cards; raises UserError like `find_site`, or if the operator named none."""
        if not self.requested_management:
            raise UserError(
                "the nodes have management cards, and nothing says what connects them",
                hint="name a port group with --management-network",
            )
        with translate_errors("looking through the inventory"):
            return _one(self._networks(), self.requested_management, "network", "--management-network")

    @cached_property
    def management_name(self) -> str:
        """The name of that port group; raises UserError like `management`."""
        network = self.management
        with translate_errors("looking through the inventory"):
            return str(network.name)

    def _networks(self) -> list[Any]:
        return [each for each in self.cluster.network if not _has_uplinks(each)]

    @cached_property
    def network_name(self) -> str:
        """The name of the port group; raises UserError like `network`."""
        network = self.network
        with translate_errors("looking through the inventory"):
            return str(network.name)

    @property
    def folder(self) -> Any:  # noqa: ANN401
        """The folder for machines in the data centre."""
        return self.datacenter.vmFolder

    @property
    def pool(self) -> Any:  # noqa: ANN401
        """The cluster's resource pool."""
        return self.cluster.resourcePool

    def machine(self, name: str) -> Any:  # noqa: ANN401
        """Return the machine or template of that name; None if there is none."""
        return next((each for each, has in self._all(["name"]) if has["name"] == name), None)

    def find(self, names: Iterable[str]) -> dict[str, MachineInfo]:
        """Return the machines and templates of these names that exist, by name, in two requests."""
        requested = set(names)
        objects = [each for each, has in self._all(["name"]) if has["name"] in requested]
        return {
            info.name: info for info in self._machine_infos([_collector().ObjectSpec(obj=each) for each in objects])
        }

    def machines(self) -> list[MachineInfo]:
        """Return every machine and template."""
        with _view(self.content, self.datacenter, vim.VirtualMachine) as view:
            return list(self._machine_infos([_members(view)]))

    def _machine_infos(self, start: list[Any]) -> Iterator[MachineInfo]:
        for each, has in self._query(start, ["name", EXTRA, "config.template", "runtime.powerState"]):
            variables = {option.key: option.value for option in has.get(EXTRA, ())}
            on = has.get("runtime.powerState") == vim.VirtualMachine.PowerState.poweredOn
            yield MachineInfo(each, has["name"], variables, on=on, template=has.get("config.template", False))

    def _all(self, properties: Sequence[str]) -> list[tuple[Any, dict[str, Any]]]:
        with _view(self.content, self.datacenter, vim.VirtualMachine) as view:
            return list(self._query([_members(view)], properties))

    def _query(self, start: list[Any], properties: Sequence[str]) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Yield each machine with these properties; those that it lacks, as after a failed import, are left out."""
        if not start:
            return
        kind = _collector().PropertySpec(type=vim.VirtualMachine, pathSet=list(properties))
        filters, server = [_collector().FilterSpec(objectSet=start, propSet=[kind])], self.content.propertyCollector
        page = server.RetrievePropertiesEx(filters, _collector().RetrieveOptions())
        while page:
            for each in page.objects:
                yield each.obj, {one.name: one.val for one in each.propSet}
            page = page.token and server.ContinueRetrievePropertiesEx(page.token)


def find_site(service: vim.ServiceInstance, options: VsphereOptions) -> Site:
    """Look up the objects; raises UserError listing the candidates if a name is unknown, or missing but necessary."""
    with translate_errors("looking through the inventory"):
        content = service.RetrieveContent()
        centre = _one(
            find_all(content, content.rootFolder, vim.Datacenter), options.datacenter, "data centre", "--datacenter"
        )
        cluster = _one(find_all(content, centre, vim.ClusterComputeResource), options.cluster, "cluster", "--cluster")
        datastore = _one(list(cluster.datastore), options.datastore, "datastore", "--datastore")
    return Site(content, centre, cluster, datastore, options.network, options.management_network)


def find_all(content: Any, root: Any, kind: type) -> list[Any]:  # noqa: ANN401
    """Return all objects of a kind below `root`."""
    with _view(content, root, kind) as view:
        return list(view.view)


def _has_uplinks(network: Any) -> bool:  # noqa: ANN401
    return any(tag.key == UPLINKS for tag in network.tag or ())


def _collector() -> Any:  # noqa: ANN401
    return vmodl.query.PropertyCollector


def _members(view: Any) -> Any:  # noqa: ANN401
    """Return the property collector's selection of everything in a view."""
    walk = _collector().TraversalSpec(name="all", type=vim.view.ContainerView, path="view", skip=False)
    return _collector().ObjectSpec(obj=view, skip=True, selectSet=[walk])


@contextmanager
def _view(content: Any, root: Any, kind: type) -> Iterator[Any]:  # noqa: ANN401
    view = content.viewManager.CreateContainerView(root, [kind], True)
    try:
        yield view
    finally:
        view.Destroy()


def _one(candidates: list[Any], name: str, what: str, option: str) -> Any:  # noqa: ANN401
    if not name and len(candidates) == 1:
        return candidates[0]
    for each in candidates:
        if each.name == name:
            return each
    listed = ", ".join(sorted(each.name for each in candidates)) or "none"
    if name:
        raise UserError(f"vCenter has no {what} {name}", hint=f"available: {listed}")
    raise UserError(f"vCenter has {len(candidates)} {what}s", hint=f"choose one with {option}: {listed}")
