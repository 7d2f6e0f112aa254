"""The protocol behind `vipforge deploy`, `upgrade` and `destroy`, and what all hypervisors share."""

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
from builder.core.errors import InvalidOption, TimedOut, UserError
from builder.core.progress import Step, step
from builder.nodes.upgrade import Machines
from builder.spec.model import Cluster, Node
from builder.spec.values import endpoint

CPUS = 2
MEMORY_MIB = 1024
CONNECT_SECONDS = 2.0
PAUSE_SECONDS = 1.0
REPLACE_HINT = (
    "`vipforge upgrade` replaces the nodes one after another; --node NAME --replace replaces one immediately"
)


@dataclass(frozen=True)
class Choice:
    """Which nodes to deploy: all, or only `node`. With `replace`, nodes that differ are replaced."""

    node: str = ""
    replace: bool = False

    def nodes(self, cluster: Cluster) -> tuple[Node, ...]:
        """Return the chosen nodes; raises UserError if the cluster has no node of that name."""
        if not self.node:
            return cluster.nodes
        node = cluster.node(self.node)
        if node is None:
            names = ", ".join(each.name for each in cluster.nodes)
            raise InvalidOption(f"{cluster.cluster} has no node {self.node}", hint=f"its nodes are: {names}")
        return (node,)


EVERY_NODE = Choice()


def refuse_other(what: str) -> NoReturn:
    """Refuse to change a node that was deployed from another spec or image, or with other options; `what` names it."""
    raise UserError(f"{what} was deployed from another spec or image, or with other options", hint=REPLACE_HINT)


def await_vips(cluster: Cluster, seconds: float) -> None:
    """Wait until every service accepts a connection on each of its VIPs; raises TimedOut naming those that do not."""
    silent = [(str(vip), service.port) for service in cluster.services for vip in service.vips or cluster.vrrp.vips]
    end = time.monotonic() + seconds
    with step("waiting for the VIPs"):
        while silent := [each for each in silent if not _accepts(each)]:
            if time.monotonic() > end:
                shown = ", ".join(endpoint(address, port) for address, port in silent)
                raise TimedOut(
                    f"nothing answers on {shown} after {seconds:g} s",
                    hint="check that this host can reach the VIP; the nodes' consoles show what they are waiting for",
                )
            time.sleep(PAUSE_SECONDS)


def _accepts(address: tuple[str, int]) -> bool:
    try:
        with socket.create_connection(address, timeout=CONNECT_SECONDS):
            return True
    except OSError:
        return False


class Hypervisor(Protocol):
    """One hypervisor, with the operator's options. Errors are UserErrors with the hypervisor's own message.

    Each step knows whether it is already done, so that a second run changes nothing.
    """

    def __init__(self, options: Any, stack: ExitStack) -> None:  # noqa: ANN401 - the type differs per hypervisor
        """Connect until `stack` is closed; raises UserError if the hypervisor cannot be reached."""

    @abstractmethod
    def deployment(self, clusters: Sequence[Cluster], choice: Choice, image: Path | None) -> list[Step]:
        """Return the steps that deploy the chosen nodes, from `image` or else from each cluster's own image."""

    @abstractmethod
    def machines(self, cluster: Cluster, image: Path | None) -> Machines:
        """Return the cluster's machines, for an upgrade to `image` or else to the cluster's own image."""

    @abstractmethod
    def removal(self, cluster: Cluster) -> list[Step]:
        """Return the steps that remove all that was deployed for the cluster; an empty list if nothing is left."""

    def printout(self, cluster: Cluster, spec: Path, choice: Choice, image: Path | None) -> str:
        """Return what `deploy` prints instead of deploying, if an option of this hypervisor asks for it."""
        del cluster, spec, choice, image
        return ""


def connect(name: str, options: object, stack: ExitStack) -> Hypervisor:
    """Return the hypervisor of that name; `Hypervisor` documents `options` and `stack`."""
    kind: type[Hypervisor] = import_module(f"{deploy.__name__}.{name}.hypervisor").HYPERVISOR
    return kind(options, stack)


def machine_name(cluster: Cluster, node: Node) -> str:
    """Return a node's name on a hypervisor, which is unique across clusters."""
    return f"{cluster.cluster}-{node.name.split('.')[0]}"
