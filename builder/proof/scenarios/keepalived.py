"""keepalived ends on the node that holds the VIPs, or on the other one."""

from __future__ import annotations

from builder.proof.pairs import Pair
from builder.proof.scenarios.scenario import Effect, Notice, Scenario


def start(pair: Pair) -> None:
    """Start keepalived on every node where it does not run."""
    for name in pair.names:
        pair.begin(name, "keepalived")


SCENARIOS = (
    Scenario(
        "keepalived-stopped",
        "keepalived is stopped on the master",
        covers="An operator or an update stops it; it takes leave.",
        inject=lambda pair: pair.end(pair.first, "keepalived"),
        recover=start,
        notice=Notice.TOLD,
    ),
    Scenario(
        "keepalived-killed",
        "keepalived is killed on the master",
        covers="It crashes and takes no leave; its VIPs would stay behind (keepalived#2361).",
        inject=lambda pair: pair.signal(pair.first, "keepalived", "KILL"),
        recover=start,
        notice=Notice.SILENCE,
        is_kill=True,
    ),
    Scenario(
        "backup-stopped",
        "keepalived is stopped on the backup",
        covers="The node that holds nothing goes and comes back: clients must not notice.",
        inject=lambda pair: pair.end(pair.second, "keepalived"),
        recover=start,
        notice=Notice.NEVER,
        effect=Effect.STAYS,
        hold=2,
    ),
)
