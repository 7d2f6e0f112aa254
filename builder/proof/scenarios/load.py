"""All processors of both nodes are used up."""

from __future__ import annotations

from builder.proof.pairs import Pair
from builder.proof.scenarios.scenario import Effect, Notice, Scenario

SECONDS = 8


def burden_all(pair: Pair) -> None:
    """Use up the processors of every node."""
    for name in pair.names:
        pair.burden(name, SECONDS)


SCENARIOS = (
    Scenario(
        "cpu-load",
        "All processors of both nodes are busy",
        covers="A node that is slow is not dead: the VIPs must stay.",
        inject=burden_all,
        recover=lambda _: None,
        notice=Notice.NEVER,
        effect=Effect.STAYS,
        is_load=True,
        hold=SECONDS,
    ),
)
