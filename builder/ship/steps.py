"""A deployment as steps: what has to be there, whether it is, and how to make it.

A run looks first and then makes what is lacking, so a second run changes nothing, and one after a failure goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from builder import progress
from builder.errors import UserError
from builder.spec.model import Cluster, Node

REPLACE_HINT = "`vipforge upgrade` renews one node after the other; --node NAME --replace makes one anew at once"
HINT = "mend it and run the same command again: it goes on from there"


@dataclass(frozen=True)
class Choice:
    """Which nodes: all, or the one named `node`; with `replace` a node of another spec or image is made anew."""

    node: str = ""
    replace: bool = False

    def nodes(self, cluster: Cluster) -> tuple[Node, ...]:
        """The nodes; raises UserError where the cluster has none of that name."""
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
    """One thing that has to be there. `what` is shown to people and holds no secret."""

    what: str
    ready: bool
    make: Callable[[], object]


def refuse_other(what: str) -> NoReturn:
    """Stop at a node that runs from another spec or image and shall not be replaced."""
    raise UserError(f"{what} was deployed from another spec or image", hint=REPLACE_HINT)


def plan(steps: Sequence[Step], made: str = "+") -> str:
    """One line a step: `=` is there already, `+` (or `made`) will be done."""
    return "\n".join(f"{'=' if step.ready else made} {step.what}" for step in steps)


def carry_out(steps: Sequence[Step]) -> int:
    """Make what is lacking, in order; returns how many steps that were.

    Raises the failure of a step as a UserError that says what is there by then.
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
