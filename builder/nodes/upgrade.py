"""Bring a new image or a changed spec to running nodes while the service stays up: one at a time, the standby first.

The engine works with two protocols. `Machines` is what a hypervisor can do with a node's machine; its implementations
come from builder/deploy/hypervisor.py. `Nodes` is the state of the running guests and what they can be asked to do,
wherever they run; builder/nodes/running.py implements it over SSH.

A node's old machine is kept, powered off, until the new one is healthy. The machines therefore record the progress of
an interrupted upgrade: a current machine alone is done, and one beside a kept machine has not been found healthy yet.
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
"""For a node that has just booted, before its peer is replaced."""
PAUSE_SECONDS = 2.0
"""Between two looks at the nodes; each logs in to all of them."""
LOOKS = 2
"""The number of looks in a row that must find nothing wrong."""
STATES = ("MASTER", "BACKUP")


@dataclass(frozen=True)
class Standing:
    """A node's machine: whether it has the current image and spec, and whether its predecessor is still kept."""

    current: bool
    kept: bool

    @property
    def settled(self) -> bool:
        """Whether there is nothing to do."""
        return self.current and not self.kept


class Machines(Protocol):
    """The nodes' machines on a hypervisor. Each call asks the hypervisor, so a step that is done is marked as done."""

    def standing(self, node: Node) -> Standing:
        """Return the state of the node's machine; raises UserError if vipforge did not create that machine."""

    def prepare(self, nodes: Sequence[Node]) -> list[Step]:
        """Return what can be done while all nodes run: uploading images and seeds."""

    def replace(self, node: Node) -> list[Step]:
        """Power the machine off and keep it, unless one is kept already; then create the new one and power it on.

        A machine beside a kept one that is not current was never found healthy, so it is removed.
        """

    def restore(self, node: Node) -> list[Step]:
        """Remove the machine beside the kept one, and power the kept one on under the node's name.

        If none is kept, power on the existing machine.
        """

    def discard(self, node: Node) -> list[Step]:
        """Remove the kept machine and everything that only it used."""


class Nodes(Protocol):
    """The running guests."""

    def look(self) -> Mapping[str, NodeState]:
        """Return the state of every node by its full name."""

    def hand_over(self, node: Node, way: Literal["away", "back"]) -> None:
        """Let the node give its VIPs away, or compete for them again; returns at once."""

    def forget(self, node: Node) -> None:
        """Drop the connection and the host key of a node that has a new machine."""

    def silent(self) -> list[str]:
        """Return the services on VIPs that answered at the first look and do not answer now."""


@dataclass(frozen=True)
class Upgrade:
    """One upgrade; a node has `seconds` to become healthy."""

    cluster: Cluster
    machines: Machines
    nodes: Nodes
    seconds: float

    def todo(self) -> list[Node]:
        """Return the nodes that are not settled. If there are none, no guest is asked anything."""
        return [node for node in self.cluster.nodes if not self.machines.standing(node).settled]

    def plan(self) -> str:
        """Return the steps in order; `=` marks what is done already, `+` what will be done."""
        todo = self.todo()
        others = [node for node in self.cluster.nodes if node not in todo]
        settled = [f"= {node.name}: matches the spec and the image" for node in others]
        if not todo:
            return "\n".join(settled)
        states = self.nodes.look()
        preparation = plan_text(self.machines.prepare(todo)).splitlines()
        per_node = (line for node in self._order(todo, states) for line in self._node_plan(node, states))
        return "\n".join([*settled, *preparation, *per_node])

    def carry_out(self) -> list[str]:
        """Carry out the plan; returns the names of the renewed nodes, in their order.

        Raises UserError or TimedOut if a node does not become healthy; its old machine then runs again.
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
                warn(f"interrupted at {node.name}: run the same command again to continue from here")
                raise
            done.append(node.name)
            todo.remove(node)
        return done

    def _node_plan(self, node: Node, states: Mapping[str, NodeState]) -> list[str]:
        lines = []
        if not self.machines.standing(node).current:
            away = [f"+ {node.name}: hand {vip} over" for vip in states[node.name].vips]
            lines = [*away, *plan_text(self.machines.replace(node)).splitlines()]
        healthy = f"+ {node.name}: healthy within {duration(self.seconds)}, or else the old machine runs again"
        return [*lines, healthy, f"+ {node.name}: the old machine removed"]

    def _order(self, nodes: Sequence[Node], states: Mapping[str, NodeState]) -> list[Node]:
        """Return the nodes that hold no VIP first; within each group, the lowest priority comes first."""
        return sorted(nodes, key=lambda node: (bool(states[node.name].vips), self.cluster.own_priority(node)))

    def _renew(self, node: Node) -> None:
        with step(f"renewing {node.name}"):
            current = self.machines.standing(node).current
            if not current:
                self._free(node)
            try:
                if not current:
                    carry_out(self.machines.replace(node))
                    self.nodes.forget(node)
                self._await(lambda: self._why_unhealthy(node), f"{node.name} to become healthy", self.seconds)
            except UserError as failure:
                self._roll_back(node, failure)
                raise
            carry_out(self.machines.discard(node))

    def _free(self, node: Node) -> None:
        """Return when the other nodes serve without this one; raises UserError if they cannot."""
        try:
            self._await(lambda: self._why_last(node), "another node to serve", SETTLE_SECONDS)
        except TimedOut as failure:
            failure.hint = "fix that first; `vipforge verify` shows details, --ssh-config names a way to the nodes"
            raise
        holds = bool(self.nodes.look()[node.name].vips)
        try:
            if holds:
                say(f"{node.name}: handing the VIPs over")
                self.nodes.hand_over(node, "away")
            self._await(lambda: self._why_needed(node), f"the others to serve without {node.name}", HAND_OVER_SECONDS)
        except (UserError, KeyboardInterrupt):
            with suppress(UserError):
                self.nodes.hand_over(node, "back")
            raise

    def _why_last(self, node: Node) -> str:
        """Say why no other node would serve; empty if one would."""
        others = [state for name, state in self.nodes.look().items() if name != node.name]
        if any(map(_is_fit, others)):
            return ""
        return f"without {node.name} nothing would serve: {'; '.join(map(_description, others))}"

    def _why_needed(self, node: Node) -> str:
        """Say why the node cannot be replaced yet; empty if it can."""
        states = self.nodes.look()
        if states[node.name].vips:
            return f"{node.name} still holds {', '.join(states[node.name].vips)}"
        return self._why_unserved(states)

    def _why_unhealthy(self, node: Node) -> str:
        """Say what is wrong with the node; empty if it is healthy."""
        states = self.nodes.look()
        state = states[node.name]
        return self._why_unserved(states) if _is_fit(state) else _description(state)

    def _why_unserved(self, states: Mapping[str, NodeState]) -> str:
        """Say which VIP has not exactly one holder, or which services do not answer; empty if all is well."""
        for vip in map(str, self.cluster.vrrp.vips):
            holders = [name for name, state in states.items() if vip in state.vips]
            if len(holders) != 1:
                return f"{vip} is held by {' and '.join(holders) or 'no node'}"
        silent = self.nodes.silent()
        return f"no answer on {', '.join(silent)}" if silent else ""

    def _roll_back(self, node: Node, failure: UserError) -> None:
        """Bring the old machine back, and add the result to the failure's message."""
        say(f"{node.name}: {failure.message}")
        try:
            with step(f"{node.name}: back to the old machine"):
                carry_out(self.machines.restore(node))
                self.nodes.forget(node)
                with suppress(UserError):  # a machine that was never powered off may have given its VIPs away
                    self.nodes.hand_over(node, "back")
                self._await(lambda: self._why_unhealthy(node), f"{node.name} to become healthy again", self.seconds)
        except UserError as second:
            failure.message += f"\n  and its old machine does not serve either: {second.message}"
            return
        failure.message += "\n  its old machine is back, and serves"

    def _await(self, why_not: Callable[[], str], what: str, seconds: float) -> None:
        """Wait until `why_not` finds nothing, LOOKS times in a row; raises TimedOut with its last reason."""
        deadline = time.monotonic() + seconds
        reported, good_looks = "", 0
        while good_looks < LOOKS:
            reason = why_not()
            good_looks = 0 if reason else good_looks + 1
            if reason and reason != reported:
                say(reason)
                reported = reason
            if reason and time.monotonic() > deadline:
                raise TimedOut(f"waited {duration(seconds)} for {what}: {reason}")
            if good_looks < LOOKS:
                time.sleep(PAUSE_SECONDS)


def _description(state: NodeState) -> str:
    return f"{state.name} {stage(state)}{f' ({state.trouble})' if state.trouble else ''}"


def _is_fit(state: NodeState) -> bool:
    return state.serves and state.vrrp in STATES
