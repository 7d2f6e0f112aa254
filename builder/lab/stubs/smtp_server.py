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


def serve(server: StubServer, mailbox: Mailbox, folder: Path) -> None:
    """Listen on one port, in threads of its own; raises OSError where that cannot be."""
    post = Post(server, mailbox, folder / MAIL_DOWN)
    post.open()
    if server.name == ALERTS:
        threading.Thread(target=post.obey, daemon=True).start()


class Post:
    """One SMTP server, open or closed."""

    def __init__(self, server: StubServer, mailbox: Mailbox, mark: Path) -> None:
        self._server = server
        self._mailbox = mailbox
        self._mark = mark
        self._controller: Controller | None = None

    def open(self) -> None:
        """Listen."""
        server = self._server
        self._controller = Controller(
            self._mailbox, hostname=server.address, port=server.port, server_hostname=server.name
        )
        self._controller.start()
        self._mark.unlink(missing_ok=True)

    def close(self) -> None:
        """Refuse all connections, and end those that there are."""
        if self._controller:
            self._controller.stop()
        self._controller = None
        self._mark.touch()

    def obey(self) -> None:
        """Close and open as it is told, for ever."""
        while True:
            time.sleep(LOOK_SECONDS)
            down = self._mailbox.told() == "down"
            if down and self._controller:
                self.close()
            if not down and self._controller is None:
                self.open()


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
