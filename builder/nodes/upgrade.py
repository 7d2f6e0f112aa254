"""A new image or a changed spec on running nodes, without losing the service: one node at a time, the standby first.

The engine knows two things by their protocols. `Machines` is what a hypervisor can do with a node's machine;
builder/deploy/hypervisor.py says where it gets one. `Nodes` is what the running guests say and do, wherever they run
(builder/nodes/running.py, over SSH).

A node's old machine is kept, powered off, until the new one is healthy. So the machines themselves say how far an
interrupted upgrade has come: a current machine alone is done; one beside a kept machine has yet to prove itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Protocol

from builder.core.errors import TimedOut, UserError
from builder.core.progress import Step, carry_out, duration, plan_text, say, step, warn
from builder.nodes.status import NodeState, stage
from builder.spec.model import Cluster, Node

HAND_OVER_SECONDS = 60.0
SETTLE_SECONDS = 60.0
"""For a node that has just booted, before its peer is taken away."""
PAUSE_SECONDS = 2.0
"""Between two looks at the nodes; each logs in to all of them."""
LOOKS = 2
"""How many looks in a row must find nothing wrong."""
STATES = ("MASTER", "BACKUP")


@dataclass(frozen=True)
class Standing:
    """A node's machine: whether it has the wanted image and spec, and whether the one before it is still kept."""

    current: bool
    kept: bool

    @property
    def settled(self) -> bool:
        """Whether there is nothing to do."""
        return self.current and not self.kept


class Machines(Protocol):
    """The nodes' machines on a hypervisor. Each call looks at the hypervisor, so steps that are done are ready."""

    def standing(self, node: Node) -> Standing:
        """How the node stands; raises UserError at a machine that vipforge did not create."""

    def prepare(self, nodes: Sequence[Node]) -> list[Step]:
        """What can be done while all nodes run: uploading images and seeds."""

    def replace(self, node: Node) -> list[Step]:
        """Power the machine off and keep it, unless one is kept already; then create the new one and power it on.

        A machine beside a kept one that is not the wanted one has never proven itself: it is removed.
        """

    def restore(self, node: Node) -> list[Step]:
        """Remove the machine beside the kept one, and power the kept one on under the node's name.

        If none is kept, power on the machine that is there.
        """

    def discard(self, node: Node) -> list[Step]:
        """Remove the kept machine, with what only it used."""


class Nodes(Protocol):
    """The running guests."""

    def look(self) -> Mapping[str, NodeState]:
        """Every node by its full name."""

    def hand_over(self, node: Node, way: Literal["away", "back"]) -> None:
        """Let the node give its VIPs away, or compete for them again; returns at once."""

    def forget(self, node: Node) -> None:
        """The node has a new machine: drop its connection and its host key."""

    def silent(self) -> list[str]:
        """The services' doors on the VIPs that do not answer, of those that did at the beginning."""


@dataclass(frozen=True)
class Upgrade:
    """One upgrade; `seconds` is how long a node may take to become healthy."""

    cluster: Cluster
    machines: Machines
    nodes: Nodes
    seconds: float

    def todo(self) -> list[Node]:
        """The nodes that are not settled; empty where there is nothing to do, and then no guest is asked."""
        return [node for node in self.cluster.nodes if not self.machines.standing(node).settled]

    def plan(self) -> str:
        """What will be done, in its order; `=` is there already, `+` will be made."""
        todo = self.todo()
        others = [node for node in self.cluster.nodes if node not in todo]
        settled = [f"= {node.name}: as the spec and the image want it" for node in others]
        if not todo:
            return "\n".join(settled)
        seen = self.nodes.look()
        made = plan_text(self.machines.prepare(todo)).splitlines()
        return "\n".join(
            [*settled, *made, *(line for node in self._order(todo, seen) for line in self._lines(node, seen))]
        )

    def carry_out(self) -> list[str]:
        """Do it; returns the names of the nodes that were renewed, in their order.

        Raises UserError or TimedOut where a node does not become healthy; its old machine then runs again.
        """
        done: list[str] = []
        todo = self.todo()
        if todo:
            carry_out(self.machines.prepare(todo))
        while todo:
            node = self._order(todo, self.nodes.look())[0]
            try:
                self._renew(node)
            except UserError as failure:
                failure.message += f"\n  renewed before it: {', '.join(done) or 'none'}"
                raise
            except KeyboardInterrupt:
                warn(f"interrupted at {node.name}: the same command goes on from here")
                raise
            done.append(node.name)
            todo.remove(node)
        return done

    def _lines(self, node: Node, seen: Mapping[str, NodeState]) -> list[str]:
        lines = []
        if not self.machines.standing(node).current:
            away = [f"+ {node.name}: hand {vip} over" for vip in seen[node.name].vips]
            lines = [*away, *plan_text(self.machines.replace(node)).splitlines()]
        healthy = f"+ {node.name}: healthy within {duration(self.seconds)}, or else the old machine runs again"
        return [*lines, healthy, f"+ {node.name}: the old machine removed"]

    def _order(self, nodes: Sequence[Node], seen: Mapping[str, NodeState]) -> list[Node]:
        """Those that hold no VIP first, and of these the ones of the lowest priority."""
        return sorted(nodes, key=lambda node: (bool(seen[node.name].vips), self.cluster.own_priority(node)))

    def _renew(self, node: Node) -> None:
        with step(f"renewing {node.name}"):
            current = self.machines.standing(node).current
            if not current:
                self._free(node)
            try:
                if not current:
                    carry_out(self.machines.replace(node))
                    self.nodes.forget(node)
                self._await(lambda: self._unhealthy(node), f"{node.name} to be healthy", self.seconds)
            except UserError as failure:
                self._roll_back(node, failure)
                raise
            carry_out(self.machines.discard(node))

    def _free(self, node: Node) -> None:
        """Return when the others serve without the node; raises UserError where they cannot."""
        try:
            self._await(lambda: self._alone(node), "another node to serve", SETTLE_SECONDS)
        except TimedOut as failure:
            failure.hint = "fix that first; `vipforge verify` says more, and --ssh-config names a way to the nodes"
            raise
        holds = bool(self.nodes.look()[node.name].vips)
        try:
            if holds:
                say(f"{node.name}: handing the VIPs over")
                self.nodes.hand_over(node, "away")
            self._await(lambda: self._needed(node), f"the others to serve without {node.name}", HAND_OVER_SECONDS)
        except (UserError, KeyboardInterrupt):
            with suppress(UserError):
                self.nodes.hand_over(node, "back")
            raise

    def _alone(self, node: Node) -> str:
        """Why nothing would serve without the node."""
        others = [state for name, state in self.nodes.look().items() if name != node.name]
        if any(map(_is_fit, others)):
            return ""
        return f"without {node.name} nothing would serve: {'; '.join(map(_told, others))}"

    def _needed(self, node: Node) -> str:
        """Why the node cannot be taken away."""
        seen = self.nodes.look()
        if seen[node.name].vips:
            return f"{node.name} still holds {', '.join(seen[node.name].vips)}"
        return self._unserved(seen)

    def _unhealthy(self, node: Node) -> str:
        """What the node lacks, in words; empty for a healthy one."""
        seen = self.nodes.look()
        state = seen[node.name]
        return self._unserved(seen) if _is_fit(state) else _told(state)

    def _unserved(self, seen: Mapping[str, NodeState]) -> str:
        for vip in map(str, self.cluster.vrrp.vips):
            holders = [name for name, state in seen.items() if vip in state.vips]
            if len(holders) != 1:
                return f"{vip} is held by {' and '.join(holders) or 'nobody'}"
        silent = self.nodes.silent()
        return f"no answer on {', '.join(silent)}" if silent else ""

    def _roll_back(self, node: Node, failure: UserError) -> None:
        """Bring the old machine back, and add to the failure's message how that went."""
        say(f"{node.name}: {failure.message}")
        try:
            with step(f"{node.name}: back to the old machine"):
                carry_out(self.machines.restore(node))
                self.nodes.forget(node)
                with suppress(UserError):  # where it has never been off, it may have given the VIPs away
                    self.nodes.hand_over(node, "back")
                self._await(lambda: self._unhealthy(node), f"{node.name} to be healthy again", self.seconds)
        except UserError as second:
            failure.message += f"\n  and its old machine does not serve either: {second.message}"
            return
        failure.message += "\n  its old machine is back, and serves"

    def _await(self, lacking: Callable[[], str], what: str, seconds: float) -> None:
        """Wait until nothing is lacking, LOOKS times in a row; raises TimedOut with what is lacking."""
        deadline = time.monotonic() + seconds
        told, well = "", 0
        while well < LOOKS:
            now = lacking()
            well = 0 if now else well + 1
            if now and now != told:
                say(now)
                told = now
            if now and time.monotonic() > deadline:
                raise TimedOut(f"waited {duration(seconds)} for {what}: {now}")
            if well < LOOKS:
                time.sleep(PAUSE_SECONDS)


def _told(state: NodeState) -> str:
    return f"{state.name} {stage(state)}{f' ({state.trouble})' if state.trouble else ''}"


def _is_fit(state: NodeState) -> bool:
    return state.serves and state.vrrp in STATES
