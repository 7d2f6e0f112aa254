"""The inventory of a vCenter that a deployment uses: where machines go, and finding them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pyVmomi import vim, vmodl

from builder.core.errors import UserError
from builder.deploy.vsphere import VsphereOptions
from builder.deploy.vsphere.session import translate_errors

EXTRA = "config.extraConfig"


@dataclass(frozen=True)
class Found:
    """A machine or template as it was when it was looked at."""

    machine: Any
    name: str
    variables: dict[str, str]
    on: bool
    template: bool


@dataclass(frozen=True)
class Site:
    """The objects of those names; pyVmomi creates their types at run time."""

    content: Any
    datacenter: Any
    cluster: Any
    datastore: Any
    network: Any

    @property
    def folder(self) -> Any:  # noqa: ANN401
        """The folder of the data centre's machines."""
        return self.datacenter.vmFolder

    @property
    def pool(self) -> Any:  # noqa: ANN401
        """The cluster's resources."""
        return self.cluster.resourcePool

    def machine(self, name: str) -> Any:  # noqa: ANN401
        """The machine or template of that name; None where there is none."""
        return next((each for each, has in self._all(["name"]) if has["name"] == name), None)

    def find(self, names: Iterable[str]) -> dict[str, Found]:
        """Those machines and templates of these names that there are, in two questions however many they are."""
        wanted = set(names)
        objects = [each for each, has in self._all(["name"]) if has["name"] in wanted]
        return {found.name: found for found in self._found([_collector().ObjectSpec(obj=each) for each in objects])}

    def machines(self) -> list[Found]:
        """Every machine and template."""
        with _view(self.content, self.datacenter, vim.VirtualMachine) as view:
            return list(self._found([_members(view)]))

    def _found(self, start: list[Any]) -> Iterator[Found]:
        for each, has in self._ask(start, ["name", EXTRA, "config.template", "runtime.powerState"]):
            variables = {option.key: option.value for option in has.get(EXTRA, ())}
            on = has.get("runtime.powerState") == vim.VirtualMachine.PowerState.poweredOn
            yield Found(each, has["name"], variables, on=on, template=has.get("config.template", False))

    def _all(self, wanted: Sequence[str]) -> list[tuple[Any, dict[str, Any]]]:
        with _view(self.content, self.datacenter, vim.VirtualMachine) as view:
            return list(self._ask([_members(view)], wanted))

    def _ask(self, start: list[Any], wanted: Sequence[str]) -> Iterator[tuple[Any, dict[str, Any]]]:
        """The properties of these paths; one that a machine has not, as a half-made one, is left out."""
        if not start:
            return
        kind = _collector().PropertySpec(type=vim.VirtualMachine, pathSet=list(wanted))
        filters, ask = [_collector().FilterSpec(objectSet=start, propSet=[kind])], self.content.propertyCollector
        page = ask.RetrievePropertiesEx(filters, _collector().RetrieveOptions())
        while page:
            for each in page.objects:
                yield each.obj, {found.name: found.val for found in each.propSet}
            page = page.token and ask.ContinueRetrievePropertiesEx(page.token)


def site(service: vim.ServiceInstance, options: VsphereOptions) -> Site:
    """Find everything; raises UserError that lists what there is where a name is unknown or left out."""
    with translate_errors("looking through the inventory"):
        content = service.RetrieveContent()
        centre = _one(
            every(content, content.rootFolder, vim.Datacenter), options.datacenter, "data centre", "--datacenter"
        )
        cluster = _one(every(content, centre, vim.ClusterComputeResource), options.cluster, "cluster", "--cluster")
        datastore = _one(list(cluster.datastore), options.datastore, "datastore", "--datastore")
        network = _one(list(cluster.network), options.network, "network", "--network")
    return Site(content, centre, cluster, datastore, network)


def every(content: Any, root: Any, kind: type) -> list[Any]:  # noqa: ANN401
    """All objects of a kind below `root`."""
    with _view(content, root, kind) as view:
        return list(view.view)


def _collector() -> Any:  # noqa: ANN401
    return vmodl.query.PropertyCollector


def _members(view: Any) -> Any:  # noqa: ANN401
    """Everything in a view, as the property collector wants it said."""
    walk = _collector().TraversalSpec(name="all", type=vim.view.ContainerView, path="view", skip=False)
    return _collector().ObjectSpec(obj=view, skip=True, selectSet=[walk])


@contextmanager
def _view(content: Any, root: Any, kind: type) -> Iterator[Any]:  # noqa: ANN401
    view = content.viewManager.CreateContainerView(root, [kind], True)
    try:
        yield view
    finally:
        view.Destroy()


def _one(found: list[Any], name: str, what: str, option: str) -> Any:  # noqa: ANN401
    if not name and len(found) == 1:
        return found[0]
    for each in found:
        if each.name == name:
            return each
    listed = ", ".join(sorted(each.name for each in found)) or "none"
    if name:
        raise UserError(f"vCenter has no {what} {name}", hint=f"there is: {listed}")
    raise UserError(f"vCenter has {len(found)} of: {what}", hint=f"name one with {option}: {listed}")
