"""What a hypervisor has to offer: the class HYPERVISOR of builder/ship/NAME/hypervisor.py implements this protocol."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from builder import ship
from builder.ship.steps import Choice, Step
from builder.ship.upgrade import Machines
from builder.spec.model import Cluster


class Hypervisor(Protocol):
    """A hypervisor, as the operator's options name it. Every method raises UserError in the hypervisor's own words.

    Steps know what is already there, so that a second run changes nothing.
    """

    def __init__(self, options: Any, stack: ExitStack) -> None:  # noqa: ANN401 - each has options of its own
        """Connections stay open until the end of `stack`; raises UserError if the hypervisor cannot be reached."""

    @abstractmethod
    def deployment(self, clusters: Sequence[Cluster], choice: Choice, image: Path | None) -> list[Step]:
        """The steps that put the chosen nodes on the hypervisor, from `image` or from each cluster's own image."""

    @abstractmethod
    def machines(self, cluster: Cluster, image: Path | None) -> Machines:
        """The cluster's machines, for an upgrade to `image` or to the cluster's own image."""

    @abstractmethod
    def removal(self, cluster: Cluster) -> list[Step]:
        """The steps that remove what was deployed for the cluster, and nothing else; empty if nothing is left."""

    def printout(self, cluster: Cluster, spec: Path, choice: Choice, image: Path | None) -> str:
        """What `deploy` prints instead of deploying, if one of the hypervisor's own options asks for it."""
        del cluster, spec, choice, image
        return ""


def connect(name: str, options: object, stack: ExitStack) -> Hypervisor:
    """The hypervisor of that name; see `Hypervisor` for `options` and `stack`."""
    kind: type[Hypervisor] = import_module(f"{ship.__name__}.{name}.hypervisor").HYPERVISOR
    return kind(options, stack)
