"""The SMTP server that gets the alerts is no help when something breaks."""

from __future__ import annotations

from builder.faults.pairs import Pair
from builder.faults.scenarios import Detection, Scenario, daemons
from builder.lab.stubs import MailFault


def mend(pair: Pair) -> None:
    """Let both serve again."""
    pair.mail(None)
    daemons.start_haproxy(pair)


def _scenario(fault: MailFault, title: str, covers: str) -> Scenario:
    def fail_and_kill(pair: Pair) -> None:
        pair.mail(fault)
        pair.signal(pair.first, "haproxy", "KILL")

    return Scenario(
        f"mail-{fault}",
        title,
        covers=covers,
        inject=fail_and_kill,
        recover=mend,
        notice=Detection.HAPROXY,
        is_kill=True,
        needs_alerts=True,
    )


SCENARIOS = (
    _scenario(
        "hangs",
        "HAProxy is killed while the SMTP server hangs",
        covers="Alerts that wait for an answer must not delay a failover.",
    ),
    _scenario(
        "refuses",
        "HAProxy is killed while the SMTP server refuses all mail",
        covers="Alerts that nobody takes must not delay a failover.",
    ),
    _scenario(
        "down",
        "HAProxy is killed while no SMTP server runs",
        covers="Alerts that reach nobody must not delay a failover.",
    ),
)
