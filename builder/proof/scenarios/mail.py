"""The SMTP server that gets the alerts is no help when something breaks."""

from __future__ import annotations

from builder.proof.pairs import Pair
from builder.proof.scenarios import haproxy
from builder.proof.scenarios.scenario import Notice, Scenario


def hang_and_kill(pair: Pair) -> None:
    """Let the SMTP server leave its clients waiting, then end HAProxy."""
    pair.mail(well=False)
    pair.signal(pair.first, "haproxy", "KILL")


def mend(pair: Pair) -> None:
    """Let both serve again."""
    pair.mail(well=True)
    haproxy.start(pair)


SCENARIOS = (
    Scenario(
        "mail-hangs",
        "HAProxy is killed while the SMTP server hangs",
        covers="Alerts that cannot be delivered must not delay a failover.",
        inject=hang_and_kill,
        recover=mend,
        notice=Notice.HAPROXY,
    ),
)
