"""The alerts that the nodes send: kept by the farm's SMTP server, one JSON object a line, and read from there."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from builder.lab.state import folder
from builder.spec.model import Cluster

MAILS = "mails.jsonl"
LOOK_SECONDS = 0.2
"""Between two looks whether the server is to fail, or well again."""


@dataclass(frozen=True)
class Mail:
    """One mail as it came over the wire."""

    received: float
    """Seconds since 1970, by this host's clock."""
    peer: str
    """The address that it came from."""
    helo: str
    """The name that the client greeted with."""
    sender: str
    recipients: tuple[str, ...]
    content: str
    """Header and body."""


class Mailbox:
    """aiosmtpd's handler: adds each mail to a file, as long as the file `fault` does not say how to fail."""

    def __init__(self, path: Path, fault: Path) -> None:
        self.path = path
        self.fault = fault

    def told(self) -> str:
        """How to fail; empty for not at all."""
        try:
            return self.fault.read_text().strip()
        except FileNotFoundError:
            return ""

    async def handle_HELO(self, server: SMTP, session: Session, _envelope: Envelope, name: str) -> str:  # noqa: N802
        """Greet the client, sooner or later."""
        await self._greet(session, name)
        return f"250 {server.hostname}"

    async def handle_EHLO(  # noqa: N802 - its name
        self, _server: SMTP, session: Session, _envelope: Envelope, name: str, responses: list[str]
    ) -> list[str]:
        """The same for a client that speaks ESMTP."""
        await self._greet(session, name)
        return responses

    async def handle_RCPT(  # noqa: N802 - its name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take a recipient, or refuse it as a server does that does not know the client."""
        if self.told() == "refuses":
            return "550 5.7.1 relaying denied"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        """Keep the mail, and tell the client so."""
        content = envelope.content or b""
        mail = Mail(
            received=time.time(),
            peer=str(session.peer[0]) if session.peer else "",
            helo=session.host_name or "",
            sender=envelope.mail_from or "",
            recipients=tuple(envelope.rcpt_tos),
            content=content if isinstance(content, str) else content.decode(errors="replace"),
        )
        with self.path.open("a") as file:
            file.write(json.dumps(asdict(mail)) + "\n")
        return "250 OK"

    async def _greet(self, session: Session, name: str) -> None:
        while self.told() == "hangs":  # noqa: ASYNC110 - another program makes and removes the file
            await asyncio.sleep(LOOK_SECONDS)
        session.host_name = name


def mails(cluster: Cluster) -> tuple[Mail, ...]:
    """The mails that the lab's SMTP server has got, oldest first."""
    try:
        lines = (folder(cluster) / MAILS).read_text().splitlines()
    except FileNotFoundError:
        return ()
    return tuple(Mail(**{**each, "recipients": tuple(each["recipients"])}) for each in map(json.loads, lines))
