"""What every hypervisor offers to `vipforge deploy`, `upgrade` and `destroy`, and the wait for the VIPs."""

from __future__ import annotations

import socket
import time
from abc import abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn, Protocol

from builder import deploy
from builder.core.errors import TimedOut, UserError
from builder.core.progress import Step, step
from builder.nodes.upgrade import Machines
from builder.spec.model import Cluster, Node
from builder.spec.values import endpoint

REPLACE_HINT = "`vipforge upgrade` replaces one node after the other; --node NAME --replace replaces one at once"


@dataclass(frozen=True)
class Choice:
    """Which nodes: all, or the one named `node`; with `replace` a node of another spec or image is replaced."""

    node: str = ""
    replace: bool = False

    def nodes(self, cluster: Cluster) -> tuple[Node, ...]:
        """The nodes; raises UserError if the cluster has none of that name."""
        if not self.node:
            return cluster.nodes
        found = cluster.node(self.node)
        if found is None:
            names = ", ".join(node.name for node in cluster.nodes)
            raise UserError(f"{cluster.cluster} has no node {self.node}", hint=f"its nodes are: {names}")
        return (found,)


EVERY_NODE = Choice()


def refuse_other(what: str) -> NoReturn:
    """Stop at a node that runs from another spec or image and must not be replaced."""
    raise UserError(f"{what} was deployed from another spec or image", hint=REPLACE_HINT)


TRY_SECONDS = 2.0
PAUSE_SECONDS = 1.0


def await_vips(cluster: Cluster, seconds: float) -> None:
    """Wait until each service takes a connection on each VIP; raises TimedOut and names those that do not."""
    silent = [(str(vip), service.port) for service in cluster.services for vip in service.vips or cluster.vrrp.vips]
    end = time.monotonic() + seconds
    with step("waiting for the VIPs"):
        while silent := [door for door in silent if not _opens(door)]:
            if time.monotonic() > end:
                shown = ", ".join(endpoint(address, port) for address, port in silent)
                raise TimedOut(
                    f"after {seconds:g} s nothing answers on {shown}",
                    hint="is the VIP reachable from here? The nodes' consoles say what they wait for",
                )
            time.sleep(PAUSE_SECONDS)


def _opens(door: tuple[str, int]) -> bool:
    try:
        with socket.create_connection(door, timeout=TRY_SECONDS):
            return True
    except OSError:
        return False


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
    kind: type[Hypervisor] = import_module(f"{deploy.__name__}.{name}.hypervisor").HYPERVISOR
    return kind(options, stack)


CPUS = 2


MEMORY_MIB = 1024


def machine_name(cluster: Cluster, node: Node) -> str:
    """A node's name on a hypervisor: no two clusters there can share it."""
    return f"{cluster.cluster}-{node.name.split('.')[0]}"
