"""The mail that keepalived sends when a node changes state, as a real SMTP server receives it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from builder.core.waiting import until
from builder.lab.netns import NamespacedPair
from builder.lab.stubs.smtp_server import MAILS
from tests.specs import quickstart

pytestmark = pytest.mark.integration

LIMIT = 15
RECIPIENTS = [f"operator{number:02}@example.com" for number in range(30)]
"""As many as `check` accepts, because keepalived's buffer has no room for more."""
LB1, LB2 = "lb1.example.com", "lb2.example.com"


@pytest.fixture(scope="module", params=["classic", "fast"])
def mails(request: pytest.FixtureRequest, start_pair: Callable) -> Iterator[list[dict[str, Any]]]:
    """All mails of a failover and the recovery from it."""
    alerts = quickstart(alerts={"recipients": RECIPIENTS}).alerts
    with start_pair(request.param, alerts=alerts) as pair:
        pair.serve()
        wait_for(pair, LB1)
        pair.nodes[0].signal("haproxy", "KILL")
        wait_for(pair, LB2)
        pair.nodes[0].begin("haproxy")
        wait_for(pair, LB1)
        mailbox = pair.folder / MAILS
        until(lambda: count(read(mailbox), LB2, "BACKUP") > 1, "the last mail", limit=LIMIT)
        yield read(mailbox)


def wait_for(pair: NamespacedPair, name: str) -> None:
    (vip,) = pair.cluster.vrrp.vips
    until(lambda: pair.holders(vip) == [name], f"{name} alone to hold {vip}", limit=LIMIT)


def read(mailbox: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in mailbox.read_text().splitlines()] if mailbox.exists() else []


def announces(mail: dict[str, Any], node: str, state: str) -> bool:
    """Return whether a mail's subject says that a node has entered a state."""
    line = next(line for line in mail["content"].splitlines() if line.startswith("Subject:"))
    return node in line and f"Entering {state} state" in line


def count(mails: list[dict[str, Any]], node: str, state: str) -> int:
    return sum(announces(mail, node, state) for mail in mails)


def test_each_transition_sends_its_mail(mails: list[dict[str, Any]]) -> None:
    for node in (LB1, LB2):
        for state in ("MASTER", "BACKUP"):
            assert count(mails, node, state), f"no mail says that {node} became {state}"


def test_the_greeting_is_the_nodes_full_name(mails: list[dict[str, Any]]) -> None:
    assert {each["helo"] for each in mails} == {LB1, LB2}


def test_the_sender_is_the_nodes_own(mails: list[dict[str, Any]]) -> None:
    senders = {"192.168.56.11": "lb1@example.com", "192.168.56.12": "lb2@example.com"}
    assert {(each["peer"], each["sender"]) for each in mails} <= set(senders.items())
    assert {tuple(each["recipients"]) for each in mails} == {tuple(RECIPIENTS)}


def test_the_mail_is_whole(mails: list[dict[str, Any]]) -> None:
    assert {each["content"].rstrip().splitlines()[-1] for each in mails} == {
        "=> VRRP Instance is now owning VRRP VIPs <=",
        "=> VRRP Instance is no longer owning VRRP VIPs <=",
    }
