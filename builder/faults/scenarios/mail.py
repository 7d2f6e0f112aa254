"""Scenarios in which alerts cannot be sent during a failover, because the SMTP server is not working."""

from __future__ import annotations

from builder.faults.pairs import Pair
from builder.faults.scenarios import Detection, Scenario, daemons
from builder.lab.stubs import MailFault


def restore(pair: Pair) -> None:
    """Make the SMTP server and HAProxy work again."""
    pair.set_mail_fault(None)
    daemons.start_haproxy(pair)


def _scenario(fault: MailFault, title: str, covers: str) -> Scenario:
    def fail_and_kill(pair: Pair) -> None:
        pair.set_mail_fault(fault)
        pair.signal(pair.first, "haproxy", "KILL")

    return Scenario(
        f"mail-{fault}",
        title,
        covers=covers,
        inject=fail_and_kill,
        recover=restore,
        detection=Detection.HAPROXY_EXIT,
        is_kill=True,
        needs_alerts=True,
    )


SCENARIOS = (
    _scenario(
        "hangs",
        "HAProxy is killed while the SMTP server hangs",
        covers="Alerts waiting for an answer must not delay a failover.",
    ),
    _scenario(
        "refuses",
        "HAProxy is killed while the SMTP server rejects all mail",
        covers="Rejected alerts must not delay a failover.",
    ),
    _scenario(
        "down",
        "HAProxy is killed while the SMTP server is down",
        covers="Undeliverable alerts must not delay a failover.",
    ),
)
