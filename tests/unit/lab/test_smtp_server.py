"""The SMTP server of the alerts as a client sees it, healthy and with each fault."""

from __future__ import annotations

import json
import smtplib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.lab import stubs
from builder.lab.stubs import ALERTS, StubServer, smtp_server
from builder.lab.stubs.smtp_server import MAILS, Mailbox

HERE = "127.0.0.1"
ENVELOPE = ("lb1@example.com", ["ops@example.com"], "Subject: VRRP\n\nMASTER")


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """The port of a server that follows the files in `tmp_path`."""
    with socket.socket() as free:
        free.bind((HERE, 0))
        number = int(free.getsockname()[1])
    mailbox = Mailbox(tmp_path / MAILS, tmp_path / stubs.MAIL_FAULT)
    smtp_server.serve(StubServer(HERE, number, "smtp", ALERTS), mailbox, tmp_path)
    yield number
    stubs.set_mail_fault(tmp_path, "down")


def send(port: int, timeout: float = 5) -> None:
    with smtplib.SMTP(HERE, port, timeout=timeout, local_hostname="lb1.example.com") as client:
        client.sendmail(*ENVELOPE)


def greetings(folder: Path) -> list[str]:
    return [json.loads(line)["helo"] for line in (folder / MAILS).read_text().splitlines()]


def test_mail_is_stored_with_the_greetings_name(port: int, tmp_path: Path) -> None:
    send(port)
    with smtplib.SMTP(HERE, port, timeout=5) as client:
        client.helo("lb2.example.com")
        client.sendmail(*ENVELOPE)
    assert greetings(tmp_path) == ["lb1.example.com", "lb2.example.com"]


def test_a_server_that_refuses_accepts_no_recipient(port: int, tmp_path: Path) -> None:
    stubs.set_mail_fault(tmp_path, "refuses")
    with pytest.raises(smtplib.SMTPRecipientsRefused, match="relaying denied"):
        send(port)
    stubs.set_mail_fault(tmp_path, None)
    send(port)
    assert greetings(tmp_path) == ["lb1.example.com"]


def test_a_server_that_hangs_greets_nobody(port: int, tmp_path: Path) -> None:
    stubs.set_mail_fault(tmp_path, "hangs")
    with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
        send(port, timeout=0.3)
    assert not (tmp_path / MAILS).exists()


def test_a_server_that_is_down_refuses_connections_and_comes_back(port: int, tmp_path: Path) -> None:
    stubs.set_mail_fault(tmp_path, "down")
    with pytest.raises(ConnectionRefusedError):
        send(port)
    stubs.set_mail_fault(tmp_path, None)
    send(port)
    assert greetings(tmp_path) == ["lb1.example.com"]
