"""A stub SMTP server that keeps what it receives, and the mailbox to read it from."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from builder.lab.state import folder
from builder.lab.stubs import ALERTS, MAIL_DOWN, StubServer
from builder.spec.model import Cluster

MAILS = "mails.jsonl"
POLL_SECONDS = 0.2
"""Between two looks at the file that tells the server how to fail."""


@dataclass(frozen=True)
class Mail:
    """One mail as it came over the wire."""

    received: float
    """Seconds since 1970, by this host's clock."""
    peer: str
    """The client's address."""
    helo: str
    """The name that the client greeted with."""
    sender: str
    recipients: tuple[str, ...]
    content: str
    """Header and body."""


def mails(cluster: Cluster) -> tuple[Mail, ...]:
    """Return the mails that the lab's SMTP server has received, oldest first."""
    try:
        lines = (folder(cluster) / MAILS).read_text().splitlines()
    except FileNotFoundError:
        return ()
    return tuple(Mail(**{**each, "recipients": tuple(each["recipients"])}) for each in map(json.loads, lines))


def serve(server: StubServer, mailbox: Mailbox, folder: Path) -> None:
    """Listen on one port, and answer in background threads; raises OSError if the server cannot listen."""
    stub = SmtpStub(server, mailbox, folder / MAIL_DOWN)
    stub.open()
    if server.name == ALERTS:
        threading.Thread(target=stub.follow_mailbox, daemon=True).start()


class SmtpStub:
    """One SMTP server, open or closed."""

    def __init__(self, server: StubServer, mailbox: Mailbox, down_file: Path) -> None:
        self._server = server
        self._mailbox = mailbox
        self._down_file = down_file
        self._controller: Controller | None = None

    def open(self) -> None:
        """Listen."""
        server = self._server
        self._controller = Controller(
            self._mailbox, hostname=server.address, port=server.port, server_hostname=server.name
        )
        self._controller.start()
        self._down_file.unlink(missing_ok=True)

    def close(self) -> None:
        """End all connections, and refuse new ones."""
        if self._controller:
            self._controller.stop()
        self._controller = None
        self._down_file.touch()

    def follow_mailbox(self) -> None:
        """Close and open as the mailbox's fault file says, forever."""
        while True:
            time.sleep(POLL_SECONDS)
            down = self._mailbox.fault() == "down"
            if down and self._controller:
                self.close()
            if not down and self._controller is None:
                self.open()


class Mailbox:
    """aiosmtpd's handler: appends each mail to a file, unless `fault_file` names a fault."""

    def __init__(self, path: Path, fault_file: Path) -> None:
        self.path = path
        self.fault_file = fault_file

    def fault(self) -> str:
        """Return how to fail (stubs.MailFault); empty while the server is healthy."""
        try:
            return self.fault_file.read_text().strip()
        except FileNotFoundError:
            return ""

    async def handle_HELO(self, server: SMTP, session: Session, _envelope: Envelope, name: str) -> str:  # noqa: N802
        """Greet a client, late while the server has to hang."""
        await self._greet(session, name)
        return f"250 {server.hostname}"

    async def handle_EHLO(  # noqa: N802 - its name
        self, _server: SMTP, session: Session, _envelope: Envelope, name: str, responses: list[str]
    ) -> list[str]:
        """Greet a client that speaks ESMTP."""
        await self._greet(session, name)
        return responses

    async def handle_RCPT(  # noqa: N802 - its name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Accept a recipient, or refuse it as a server does that does not relay for this client."""
        if self.fault() == "refuses":
            return "550 5.7.1 relaying denied"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        """Keep the mail, and acknowledge it."""
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
        while self.fault() == "hangs":  # noqa: ASYNC110 - another program makes and removes the file
            await asyncio.sleep(POLL_SECONDS)
        session.host_name = name
