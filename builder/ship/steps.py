"""A deployment or a removal as steps: what each does, whether it is already done, and how to do it.

A run looks first and then does what is left, so a second run changes nothing, and one after a failure goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from builder import progress
from builder.errors import UserError
from builder.spec.model import Cluster, Node

REPLACE_HINT = "`vipforge upgrade` replaces one node after the other; --node NAME --replace replaces one at once"
HINT = "fix the cause and run the same command again: it goes on from there"


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


@dataclass(frozen=True)
class Step:
    """One thing to do, unless `ready` says that it is done. `what` is shown to people and holds no secret."""

    what: str
    ready: bool
    make: Callable[[], object]


def refuse_other(what: str) -> NoReturn:
    """Stop at a node that runs from another spec or image and must not be replaced."""
    raise UserError(f"{what} was deployed from another spec or image", hint=REPLACE_HINT)


def plan(steps: Sequence[Step], made: str = "+") -> str:
    """One line per step: `=` is done already, `+` (or `made`) will be done."""
    return "\n".join(f"{'=' if step.ready else made} {step.what}" for step in steps)


def carry_out(steps: Sequence[Step]) -> int:
    """Do what is left, in order; returns how many steps that was.

    Raises the failure of a step as a UserError that also says what has been done by then.
    """
    lacking = [step for step in steps if not step.ready]
    there = [step.what for step in steps if step.ready]
    for step in lacking:
        try:
            with progress.step(step.what):
                step.make()
        except UserError as failure:
            failure.message = f"{failure.message}\n{_listed(there)}"
            failure.hint = failure.hint or HINT
            raise
        there.append(step.what)
    return len(lacking)


def _listed(there: Sequence[str]) -> str:
    return "\n".join(["  there by now:", *(f"    {what}" for what in there)]) if there else "  nothing was made"
