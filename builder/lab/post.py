"""The SMTP servers of the farm; the one of the alerts goes away and comes back as the lab's files say."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from aiosmtpd.controller import Controller

from builder.lab.farm import ALERTS, MAIL_DOWN, StandIn
from builder.lab.mail import LOOK_SECONDS, Mailbox


def serve(server: StandIn, mailbox: Mailbox, folder: Path) -> None:
    """Listen on one port, in threads of its own; raises OSError where that cannot be."""
    post = Post(server, mailbox, folder / MAIL_DOWN)
    post.open()
    if server.name == ALERTS:
        threading.Thread(target=post.obey, daemon=True).start()


class Post:
    """One SMTP server, open or closed."""

    def __init__(self, server: StandIn, mailbox: Mailbox, mark: Path) -> None:
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
