"""What a hypervisor has to offer, and how the commands find it.

Each hypervisor is one package beside this module, named as on the command line: `vipforge deploy NAME`.

- Its `__init__.py` holds DESCRIPTION: the options and the help, as data. `vipforge --help` imports it, so it imports
  nothing but this module.
- Its `hypervisor.py` holds HYPERVISOR: a class that implements `Hypervisor`. It is imported when a command connects.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from builder import ship

if TYPE_CHECKING:
    from builder.ship.steps import Choice, Step
    from builder.ship.upgrade import Machines
    from builder.spec.model import Cluster

Verb = Literal["deploy", "upgrade", "destroy"]
VERBS: tuple[Verb, ...] = ("deploy", "upgrade", "destroy")


@dataclass(frozen=True)
class Description:
    """How a hypervisor presents itself on the command line."""

    options: type[Any]
    """A dataclass; a field `ssh_port` with the metadata of `option` is the option `--ssh-port`."""
    deploy: str
    """The help of `vipforge deploy NAME`, and of the other two commands below."""
    destroy: str
    upgrade: str = "Replace each node, the standby first; a node that does not become healthy is rolled back."


def option(text: str, *verbs: Verb) -> Mapping[str, Any]:
    """The metadata of a field that is an option: its help, and the commands that have it (none named: all three).

    The field's type may be str, bool, Path, `Sequence[str]` (the option may be repeated) or a Literal of strings. An
    operator has to give an option without a default; a command that does not have an option uses its default.
    """
    return {"help": text, "verbs": verbs or VERBS}


class Hypervisor(Protocol):
    """A hypervisor, as the operator's options name it. Every method raises UserError in the hypervisor's own words.

    Steps know what is already there, so that a second run changes nothing.
    """

    def __init__(self, options: Any, stack: ExitStack) -> None:  # noqa: ANN401 - each has options of its own
        """Connections stay open until the end of `stack`; raises UserError if the hypervisor cannot be reached."""

    def deployment(self, clusters: Sequence[Cluster], choice: Choice, image: Path | None) -> list[Step]:
        """The steps that put the chosen nodes on the hypervisor, from `image` or from each cluster's own image."""

    def machines(self, cluster: Cluster, image: Path | None) -> Machines:
        """The cluster's machines, for an upgrade to `image` or to the cluster's own image."""

    def removal(self, cluster: Cluster) -> list[Step]:
        """The steps that remove what a deployment made for the cluster, and nothing else; empty if nothing is left."""

    def printout(self, cluster: Cluster, spec: Path, choice: Choice, image: Path | None) -> str:
        """What `deploy` prints instead of deploying, if one of the hypervisor's own options asks for it."""
        del cluster, spec, choice, image
        return ""


@cache
def hypervisors() -> Mapping[str, Description]:
    """Every hypervisor by its name, which is the name of its folder."""
    names = [module.name for module in pkgutil.iter_modules(ship.__path__) if module.ispkg]
    packages = {name: import_module(f"{ship.__name__}.{name}") for name in names}
    return {name: package.DESCRIPTION for name, package in packages.items() if hasattr(package, "DESCRIPTION")}


def connect(name: str, options: object, stack: ExitStack) -> Hypervisor:
    """The hypervisor of that name; see `Hypervisor` for `options` and `stack`."""
    kind: type[Hypervisor] = import_module(f"{ship.__name__}.{name}.hypervisor").HYPERVISOR
    return kind(options, stack)
