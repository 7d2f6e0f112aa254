"""Checks between the values of a spec. Each one yields the problems that it finds in the data."""

from __future__ import annotations

from collections.abc import Iterator

from builder.spec.checks import addresses, failover, management, peers
from builder.spec.environment import environment_problems
from builder.spec.problem import ANY, Problem, named, numbers, texts, values_at
from builder.spec.sections import image_problems, libvirt_problems
from builder.spec.vrrp import ONLY

SSH_PORT = 22
LONGEST_MAIL = 1023
"""What fits into keepalived's buffer for a mail (SMTP_BUFFER_MAX in smtp.c). 1.2.13 cuts off the rest of the header;
later releases write beyond the buffer: with 36 recipients, 2.3.3 crashed, and no node held the VIPs."""
MAIL = (
    "Date: Fri, 27 Nov 2026 09:00:00 +0000\r\nFrom: {sender}\r\n"
    "Subject: [{node}] VRRP Instance {instance} - Entering BACKUP state\r\nX-Mailer: Keepalived\r\n"
    "To: {recipients}\r\n\r\n=> VRRP Instance is no longer owning VRRP VIPs <=\r\n\r\n.\r\n"
)


def problems(data: object) -> Iterator[Problem]:
    """The problems that all checks find, in no particular order."""
    yield from addresses.address_problems(data)
    yield from addresses.ipv6_problems(data)
    yield from peers.peer_problems(data)
    yield from failover.instance_problems(data)
    yield from management.management_problems(data)
    yield from addresses.duplicate_problems(data)
    yield from failover.failover_problems(data)
    yield from image_problems(data)
    yield from libvirt_problems(data)
    yield from environment_problems(data)
    yield from _ssh_port(data)
    yield from _mail_too_long(data)


def _ssh_port(data: object) -> Iterator[Problem]:
    for loc, port in (*numbers(data, "services", ANY, "port"), *numbers(data, "statistics", "port")):
        if port == SSH_PORT:
            yield Problem(loc, f"{named(loc)} is the port of the nodes' SSH server", "choose another port")


def _mail_too_long(data: object) -> Iterator[Problem]:
    """More recipients than keepalived can name in the longest mail that a node sends."""
    nodes = [name for _, name in texts(data, "nodes", ANY, "name")]
    senders = [sender for _, sender in texts(data, "nodes", ANY, "alert_sender")]
    instances = [ONLY, *(name for _, name in texts(data, "vrrp", "instances", ANY, "name"))]
    for loc, _ in values_at(data, "alerts", "recipients"):
        mail = MAIL.format(
            sender=max((*senders, *(f"keepalived@{node}" for node in nodes)), key=len, default=""),
            node=max(nodes, key=len, default=""),
            instance=max(instances, key=len),
            recipients=",\r\n ".join(address for _, address in texts(data, *loc, ANY)),
        )
        if len(mail) > LONGEST_MAIL:
            reason = f"a mail to these recipients has {len(mail)} characters, and keepalived can send {LONGEST_MAIL}"
            yield Problem(loc, reason, "name the address of a mailing list instead")
